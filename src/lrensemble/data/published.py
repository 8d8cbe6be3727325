"""CIFAR-10, CIFAR-100 and Tiny ImageNet, from the files of their authors or from parquet."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lrensemble.data.cache import cached
from lrensemble.data.folders import SUFFIXES, image_files
from lrensemble.data.images import NAMED, Images, samples_of
from lrensemble.data.parquet import read_parquet, split_files
from lrensemble.data.source import SOURCES, Samples, check_samples, need_folder
from lrensemble.errors import DataError
from lrensemble.files import storage_errors
from lrensemble.text import TextError, read_text

CIFAR_10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
PIXELS = 3 * 32 * 32


@SOURCES.register()
def cifar10(folder: Path | None) -> Samples:
    """50,000 + 10,000 colour images, 32x32, 10 classes (Krizhevsky 2009): the binary version, or parquet files.

    Raises:
        DataError: a file is missing or damaged.
        MissingExtraError: parquet files, and pyarrow or Pillow is not installed.
    """
    folder = need_folder(folder, "cifar10", "data_batch_1.bin … test_batch.bin, or parquet files")
    train = [f"data_batch_{number}.bin" for number in range(1, 6)]
    root = _binary_root(folder, "test_batch.bin", "cifar-10-batches-bin")
    if root is None:
        return _from_parquet(folder, "data_batch_1.bin … test_batch.bin (the binary version)")
    names = _names(root / "batches.meta.txt") or list(CIFAR_10)
    return _binary(root, train, ["test_batch.bin"], names, label_bytes=1)


@SOURCES.register()
def cifar100(folder: Path | None) -> Samples:
    """50,000 + 10,000 colour images, 32x32, the 100 fine classes (Krizhevsky 2009): binary version, or parquet files.

    Raises:
        DataError: a file is missing or damaged.
        MissingExtraError: parquet files, and pyarrow or Pillow is not installed.
    """
    folder = need_folder(folder, "cifar100", "train.bin, test.bin, or parquet files")
    root = _binary_root(folder, "test.bin", "cifar-100-binary")
    if root is None:
        return _from_parquet(folder, "train.bin and test.bin (the binary version)", label="fine_label")
    names = _names(root / "fine_label_names.txt") or [str(label) for label in range(100)]
    return _binary(root, ["train.bin"], ["test.bin"], names, label_bytes=2)


@SOURCES.register("tiny-imagenet")
def tiny_imagenet(folder: Path | None) -> Samples:
    """100,000 + 10,000 colour images, 64x64, 200 classes (Stanford CS231n): its folders, or parquet files.

    The 10,000 labelled validation images are the test rows. Grey images become RGB.

    Raises:
        DataError: a file is missing or damaged.
        MissingExtraError: Pillow is not installed, or pyarrow for parquet files.
    """
    folder = need_folder(folder, "tiny-imagenet", "train/, val/, wnids.txt, or parquet files")
    root = next((each for each in (folder, folder / "tiny-imagenet-200") if (each / "wnids.txt").is_file()), None)
    if root is None:
        return _from_parquet(folder, "wnids.txt, train/ and val/")
    classes = _names(root / "wnids.txt") or []
    train = [(path, name) for name in classes for path in image_files(root / "train" / name)]
    test = _annotated(root / "val")
    files = [path for path, _ in (*train, *test)]
    missing = next((path for path in files if not path.is_file()), None)
    if missing is not None:
        raise DataError(f"{missing} is missing")

    def images(rows: list[tuple[Path, str]]) -> Images:
        return Images([path for path, _ in rows], [name for _, name in rows], [str(path) for path, _ in rows])

    def read() -> Samples:
        return samples_of(images(train), images(test), str(root), classes=classes, channels=3)

    # The files tell no labels: these are in text files, which may be corrected.
    labels = [name for _, name in (*train, *test)]
    return cached(files, {"classes": classes, "labels": labels, "test_rows": len(test)}, read)


def _from_parquet(folder: Path, authors: str, label: str | None = None) -> Samples:
    """Coloured images of parquet files, where the files of the authors, which are named for an error, are not there."""
    files = split_files(folder)
    if not files:
        held = ", ".join(sorted(path.name for path in folder.iterdir())[:NAMED]) or "nothing"
        raise DataError(f"{folder} must hold {authors}, or train*.parquet and test*.parquet; it holds {held}")
    return read_parquet(files, str(folder), label=label, channels=3)


def _binary_root(folder: Path, file: str, inner: str) -> Path | None:
    """The folder that holds the binary version: the one given, or one in it; None where there is none."""
    return next((each for each in (folder, folder / inner) if (each / file).is_file()), None)


def _binary(root: Path, train: list[str], test: list[str], classes: list[str], *, label_bytes: int) -> Samples:
    """Records of labels and 3 x 32 x 32 pixels; the last label is the one that counts (`fine` of CIFAR-100)."""
    parts = [[_records(root / name, label_bytes) for name in names] for names in (train, test)]
    records = np.concatenate([part for side in parts for part in side])
    samples = Samples(
        records[:, label_bytes:].reshape(-1, 3, 32, 32),
        records[:, label_bytes - 1].astype(np.int64),
        tuple(classes),
        test_rows=sum(map(len, parts[1])),
    )
    check_samples(samples, str(root))
    return samples


def _records(path: Path, label_bytes: int) -> np.ndarray:
    if not path.is_file():
        raise DataError(f"{path} is missing")
    with storage_errors("read", path):
        content = np.fromfile(path, dtype=np.uint8)
    if not len(content) or len(content) % (label_bytes + PIXELS):
        raise DataError(f"{path} is damaged: {len(content)} bytes are no whole number of {label_bytes + PIXELS}")
    return content.reshape(-1, label_bytes + PIXELS)


def _names(path: Path) -> list[str] | None:
    """The lines of a file of names; None where it is not there."""
    if not path.is_file():
        return None
    try:
        with storage_errors("read", path):
            text = read_text(path)
    except TextError as error:
        raise DataError(f"{path}: {error}") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def _annotated(folder: Path) -> list[tuple[Path, str]]:
    """Images and classes as `val_annotations.txt` has them."""
    lines = _names(folder / "val_annotations.txt")
    if lines is None:
        raise DataError(f"{folder / 'val_annotations.txt'} is missing")
    pairs = [line.split("\t")[:2] for line in lines]
    if any(len(pair) != 2 or not pair[0].lower().endswith(SUFFIXES) for pair in pairs):
        raise DataError(f"{folder / 'val_annotations.txt'}: every line must be: file, tab, class, …")
    return [(folder / "images" / file, name) for file, name in pairs]
