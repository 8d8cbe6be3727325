"""Images in a folder for each class."""

from __future__ import annotations

import os
from pathlib import Path

from lrensemble.data.cache import cached
from lrensemble.data.images import TEST, TRAIN, Images, samples_of
from lrensemble.data.parquet import Channels, Size
from lrensemble.data.source import SOURCES, Samples, need_folder
from lrensemble.errors import DataError
from lrensemble.files import storage_errors

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")


@SOURCES.register("image-folder")
def image_folder(folder: Path | None, *, size: Size = None, channels: Channels = None) -> Samples:
    """Images in a folder for each class: `cat/1.png`; or in `train` and `test` (or `val`) such folders.

    Args:
        folder: that holds the folders of classes, or `train` and `test`; classes are in the order of their names.
        size: height and width to scale to; all images have one size unless given.
        channels: 1 for grey, 3 for RGB; what the images are unless given.

    Raises:
        DataError: there are no images, one of them cannot be read or has another size, or test has a class of its own.
        MissingExtraError: Pillow is not installed.
    """
    folder = need_folder(folder, "image-folder", "a folder of images for each class")
    with storage_errors("read", folder):
        parts = {path.name.lower(): path for path in folder.iterdir() if os.path.isdir(path)}
    root = next((parts[name] for name in TRAIN if name in parts), folder)
    test_root = next((parts[name] for name in TEST if name in parts), None) if root != folder else None
    classes = class_folders(root)
    if not classes:
        raise DataError(f"{root} holds no folder with images ({', '.join(SUFFIXES)}), one for each class")
    if {name.lower() for name in classes} <= {*TEST, *TRAIN}:
        raise DataError(f"{root} holds no folder train and no classes; it holds {', '.join(classes)}")
    train = _images(root, classes)
    test = _tested(test_root, classes) if test_root else None
    files = [Path(file) for part in (train, test) if part for file in part.places]
    labels = [part and part.labels for part in (train, test)]
    options = {"size": size, "channels": channels, "classes": classes, "labels": labels}

    def read() -> Samples:
        return samples_of(train, test, str(folder), classes=classes, size=size, channels=channels)

    return cached(files, options, read)


def class_folders(root: Path) -> list[str]:
    """Names of the folders that hold images, sorted."""
    with storage_errors("read", root):
        folders = [path for path in root.iterdir() if os.path.isdir(path) and not path.name.startswith(".")]
    return sorted(path.name for path in folders if image_files(path))


def image_files(folder: Path) -> list[Path]:
    """The images in a folder and the folders below it, sorted; not those of hidden folders, where tools keep copies."""
    found = []
    for place, folders, files in os.walk(folder, onerror=_refuse):  # it goes through no link below the folder itself
        folders[:] = [name for name in folders if not name.startswith(".")]
        names = [name for name in files if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES]
        found += [Path(place, name) for name in names]
    return sorted(found)


def _refuse(error: OSError) -> None:
    with storage_errors("read", Path(error.filename)):
        raise error


def _tested(root: Path, classes: list[str]) -> Images:
    unknown = sorted(set(class_folders(root)) - set(classes))
    if unknown:
        raise DataError(
            f"{root}: the test rows have classes that no training row has ({', '.join(unknown[:5])}); "
            "remove them or train on them"
        )
    return _images(root, classes)


def _images(root: Path, classes: list[str]) -> Images:
    files = [image_files(root / name) if os.path.isdir(root / name) else [] for name in classes]
    labels = [label for label, each in enumerate(files) for _ in each]
    images = [path for each in files for path in each]
    return Images(images, labels, [str(path) for path in images])
