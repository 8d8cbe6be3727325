"""Any image-classification set of the Hugging Face hub, by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lrensemble.data.cache import cached
from lrensemble.data.images import TEST, TRAIN, Images, samples_of
from lrensemble.data.parquet import LABELS, Channels, Size
from lrensemble.data.source import SOURCES, Samples
from lrensemble.errors import DataError, MissingExtraError

SEEN = 100
"""Rows that tell whether a split has labels."""


@SOURCES.register(outside=("repo",), repo="owner/images")
def hub(
    folder: Path | None,
    *,
    repo: str,
    config: str | None = None,
    image: str | None = None,
    label: str | None = None,
    size: Size = None,
    channels: Channels = None,
) -> Samples:
    """An image-classification set of the Hugging Face hub: its training rows and, as test rows, its test or validation.

    Args:
        folder: where the downloaded files are kept; where `datasets` keeps them unless given.
        repo: `owner/name` on the hub, or a local folder in a layout that `datasets` reads.
        config: of a set that has several.
        image: column of images; the only one unless given.
        label: column of labels; `label`, `fine_label`, … unless given.
        size: height and width to scale to; all images have one size unless given.
        channels: 1 for grey, 3 for RGB; what the images are unless given.

    Raises:
        DataError: the set cannot be loaded, has no such column or no training rows, or an image cannot be read.
        MissingExtraError: `datasets` is not installed.
    """
    try:
        import datasets
    except ImportError:
        raise MissingExtraError("sets of the hub need datasets; pip install 'lrensemble[hub]'") from None
    try:
        found = datasets.load_dataset(repo, config, cache_dir=str(folder) if folder else None)
    except Exception as error:  # of the network, the hub, a file format: whatever it raises
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"data set {repo!r} cannot be loaded: {reason}") from None
    train = next((found[split] for split in TRAIN if split in found), None)
    if train is None:
        raise DataError(f"data set {repo!r} has no training rows; its splits are {', '.join(map(str, found))}")
    image_column, label_column = _image_column(train, image, repo), _label_column(train, label, repo)
    # Of some sets the labels of the test rows are kept secret: -1 in every row.
    splits = (found[split] for split in TEST if split in found)
    test = next((part for part in splits if set(part[label_column][:SEEN]) != {-1}), None)
    feature = train.features[label_column]
    classes = list(feature.names) if isinstance(feature, datasets.ClassLabel) else None

    def images(part: Any) -> Images:
        encoded = part.cast_column(image_column, datasets.Image(decode=False))
        return _images(encoded, image_column, label_column, repo)

    def read() -> Samples:
        others = None if test is None else images(test)
        return samples_of(images(train), others, repo, classes=classes, size=size, channels=channels)

    files = [Path(file["filename"]) for part in (train, test) if part is not None for file in part.cache_files]
    options = {"image": image_column, "label": label_column, "size": size, "channels": channels}
    return cached(files, options, read) if files else read()


def _image_column(part: Any, asked: str | None, name: str) -> str:
    import datasets

    kinds = {key for key, feature in part.features.items() if isinstance(feature, datasets.Image)}
    found = [key for key in kinds if asked in (None, key)]
    if len(found) != 1:
        wanted = f"a column {asked!r} of images" if asked else "one column of images; say which with image="
        raise DataError(f"data set {name!r} must have {wanted}; it has {', '.join(part.features)}")
    return str(found[0])


def _label_column(part: Any, asked: str | None, name: str) -> str:
    found = [key for key in ([asked] if asked else LABELS) if key in part.features]
    if not found:
        columns = ", ".join(part.features)
        raise DataError(f"data set {name!r} has no column of labels ({asked or ', '.join(LABELS)}); it has {columns}")
    return str(found[0])


def _images(part: Any, image: str, label: str, name: str) -> Images:
    """Encoded images; those that `datasets` only knows by a path are read from there."""
    images = [row["bytes"] if row["bytes"] is not None else Path(row["path"]) for row in part[image]]
    return Images(images, list(part[label]), [f"{name}, row {row}" for row in range(len(images))])
