"""MNIST and Fashion-MNIST: the four official idx files in a folder, recognised by their content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lrensemble.data.idx import find, join_pairs, read_bytes, read_pair
from lrensemble.data.source import SOURCES, Samples, need_folder
from lrensemble.errors import DataError

MNIST = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
FASHION_MNIST = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""SHA-256 of each file, unpacked: a plain idx file has no checksum of its own."""

DIGITS = tuple(str(digit) for digit in range(10))
GARMENTS = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


@SOURCES.register()
def mnist(folder: Path | None) -> Samples:
    """60,000 + 10,000 handwritten digits, 28x28 grey, 10 classes (LeCun et al. 1998); four idx files in a folder.

    Raises:
        DataError: a file is missing, damaged, or not the official one.
    """
    return _official(folder, "mnist", MNIST, DIGITS)


@SOURCES.register("fashion-mnist")
def fashion_mnist(folder: Path | None) -> Samples:
    """60,000 + 10,000 garments, 28x28 grey, 10 classes (Xiao et al. 2017, arXiv 1708.07747); four idx files.

    Raises:
        DataError: a file is missing, damaged, or not the official one.
    """
    return _official(folder, "fashion-mnist", FASHION_MNIST, GARMENTS)


def _official(folder: Path | None, name: str, sums: dict[str, str], classes: tuple[str, ...]) -> Samples:
    folder = need_folder(folder, name, f"{', '.join(sums)}, plain or .gz")
    pairs = [read_pair(folder, prefix) for prefix in ("train", "t10k")]
    for file_name, expected in sums.items():
        path = find(folder, file_name)
        if hashlib.sha256(read_bytes(path)).hexdigest() != expected:
            raise DataError(f"{path} is not the file of {name}, or is damaged; for other data in this format use idx")
    return join_pairs(pairs, str(folder), classes)
