"""Files in the idx format of MNIST, plain or `.gz` (LeCun, http://yann.lecun.com/exdb/mnist, "file format").

A file is two zero bytes, a byte for the type, a byte for the number of axes, the axes as big-endian int32, the values.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrensemble.data.source import SOURCES, Samples, check_samples, need_folder
from lrensemble.errors import DataError
from lrensemble.files import storage_errors

_UNSIGNED_BYTE = 0x08


@SOURCES.register()
def idx(folder: Path | None, *, train: str = "train", test: str | None = "t10k") -> Samples:
    """Grey images and labels in idx files, as MNIST has them.

    Args:
        folder: holds `TRAIN-images-idx3-ubyte`, `TRAIN-labels-idx1-ubyte` and the same for TEST, plain or `.gz`.
        train: how the names of the training files begin.
        test: how the names of the test files begin; None where there are none, and test rows are split off.

    Raises:
        DataError: a file is missing, corrupt or truncated, or files do not fit together.
    """
    folder = need_folder(folder, "idx", f"{train}-images-idx3-ubyte, …, plain or .gz")
    pairs = [read_pair(folder, prefix) for prefix in (train, test) if prefix is not None]
    return join_pairs(pairs, str(folder))


Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Images [sample, height, width] and labels [sample]."""


def join_pairs(pairs: list[Pair], source: str, classes: tuple[str, ...] | None = None) -> Samples:
    """Training rows and, where there is a second pair, test rows; without names, classes are named by their number.

    Raises:
        DataError: images of two sizes, or labels that are not 0 … classes - 1.
    """
    sizes = {images.shape[1:] for images, _ in pairs}
    if len(sizes) > 1:
        raise DataError(
            f"{source}: training images are {pairs[0][0].shape[1:]} and test images {pairs[1][0].shape[1:]}"
        )
    labels = np.concatenate([labels for _, labels in pairs]).astype(np.int64)
    names = classes or tuple(str(label) for label in range(int(labels.max(initial=0)) + 1))
    inputs = np.concatenate([images for images, _ in pairs])[:, None]
    samples = Samples(inputs, labels, names, test_rows=len(pairs[1][1]) if len(pairs) > 1 else 0)
    check_samples(samples, source)
    return samples


def read_pair(folder: Path, prefix: str) -> Pair:
    """Images and labels whose file names begin with `prefix`.

    Raises:
        DataError: a file is missing or damaged, or their numbers of rows differ.
    """
    images_path = find(folder, f"{prefix}-images-idx3-ubyte")
    labels_path = find(folder, f"{prefix}-labels-idx1-ubyte")
    images, labels = read_idx(images_path, axes=3), read_idx(labels_path, axes=1)
    if len(images) != len(labels):
        raise DataError(f"{images_path} has {len(images):,} images but {labels_path} has {len(labels):,} labels")
    return images, labels


def find(folder: Path, name: str) -> Path:
    """The file of that name, plain or `.gz`.

    Raises:
        DataError: neither is there.
    """
    for path in (folder / name, folder / f"{name}.gz"):
        if os.path.isfile(path):
            return path
    raise DataError(
        f"{folder / name} is missing, and so is {name}.gz; give the folder of the idx files with --data FOLDER, or "
        "as data.folder"
    )


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """The array of an idx file of unsigned bytes.

    Raises:
        DataError: not an idx file, another number of axes, damaged, truncated, or with bytes left over.
        StorageError: it cannot be read.
    """
    content = read_bytes(path)
    header = 4 + 4 * axes
    if len(content) < header or content[:4] != bytes((0, 0, _UNSIGNED_BYTE, axes)):
        found = content[:4].hex(" ") or "nothing"
        raise DataError(f"{path} is not an idx file of unsigned bytes with {axes} axes: it begins with {found}")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", axes, offset=4))
    expected = header + math.prod(shape)
    if len(content) != expected:
        reason = "truncated" if len(content) < expected else "longer than its header says"
        raise DataError(f"{path} is {reason}: {len(content):,} bytes where its header {shape} asks for {expected:,}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def read_bytes(path: Path) -> bytes:
    """A file's content, unpacked where its name ends in `.gz`.

    Raises:
        DataError: the compressed file is damaged or truncated.
        StorageError: it cannot be read.
    """
    with storage_errors("read", path):
        content = path.read_bytes()
    if path.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged or truncated: {error}") from None
