"""Images in parquet files as Hugging Face writes them: a column `{bytes, path}` and a column of labels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lrensemble.data.arrow import parquet_table
from lrensemble.data.cache import cached
from lrensemble.data.decode import Encoded
from lrensemble.data.images import TEST, TRAIN, Images, samples_of
from lrensemble.data.source import SOURCES, Samples, need_folder
from lrensemble.errors import DataError
from lrensemble.limits import Width
from lrensemble.text import from_json

if TYPE_CHECKING:
    import pyarrow as pa

LABELS = ("label", "labels", "fine_label", "target", "class", "y")

Size = Width | None
Channels = Literal[1, 3] | None


@SOURCES.register()
def parquet(
    folder: Path | None,
    *,
    image: str | None = None,
    label: str | None = None,
    size: Size = None,
    channels: Channels = None,
) -> Samples:
    """Image parquet files: `train*.parquet` and, for its own test rows, `test*.parquet` or `valid*.parquet`.

    Args:
        folder: where they lie, or a folder `data` in it.
        image: column of images; the only one that holds images unless given.
        label: column of labels, numbers or texts; `label`, `fine_label`, … unless given.
        size: height and width to scale to; all images have one size unless given.
        channels: 1 for grey, 3 for RGB; what the images are unless given.

    Raises:
        DataError: a file or column is missing, an image cannot be read, or the labels are of no use.
        MissingExtraError: pyarrow or Pillow is not installed.
    """
    folder = need_folder(folder, "parquet", "train*.parquet, test*.parquet")
    files = split_files(folder)
    return read_parquet(files, str(folder), image=image, label=label, size=size, channels=channels)


def split_files(folder: Path) -> dict[str, list[Path]]:
    """The parquet files of every split that the names of files tell, `train-00000-of-00002.parquet`."""
    found: dict[str, list[Path]] = {}
    for path in sorted([*folder.glob("*.parquet"), *folder.glob("data/*.parquet")]):
        found.setdefault(re.split(r"[-_.]", path.name.lower())[0], []).append(path)
    return found


def read_parquet(
    files: dict[str, list[Path]],
    source: str,
    *,
    image: str | None = None,
    label: str | None = None,
    size: int | None = None,
    channels: int | None = None,
) -> Samples:
    """The samples of the files of every split, decoded once.

    Raises:
        DataError, MissingExtraError: as `parquet`.
    """
    train = next((files[name] for name in TRAIN if name in files), None)
    test = next((files[name] for name in TEST if name in files), None)
    if train is None:
        held = ", ".join(path.name for paths in files.values() for path in paths) or "no .parquet file"
        raise DataError(f"{source} must hold train*.parquet; it holds {held}")

    def read() -> Samples:
        (rows, classes), others = _rows(train, image, label), _rows(test, image, label)[0] if test else None
        return samples_of(rows, others, source, classes=classes, size=size, channels=channels)

    options = {"image": image, "label": label, "size": size, "channels": channels}
    return cached([*train, *(test or [])], options, read)


def _rows(files: list[Path], image: str | None, label: str | None) -> tuple[Images, list[str] | None]:
    """The images of some files, and the names of their classes where the files tell them."""
    images, labels, places = list[Encoded](), list[object](), list[str]()
    names: list[str] | None = None
    for path in files:
        table = parquet_table(path)
        image_column, label_column = _image_column(table, image, path), _label_column(table, label, path)
        names = names or _class_names(table, label_column)
        labels += table.column(label_column).to_pylist()
        for row, value in enumerate(table.column(image_column).to_pylist()):
            content = value["bytes"] if isinstance(value, dict) else value
            places.append(f"{path}, row {row}")
            if not isinstance(content, bytes):
                raise DataError(f"{places[-1]}: no bytes of an image in column {image_column!r}")
            images.append(content)
    return Images(images, labels, places), names


def _image_column(table: pa.Table, asked: str | None, path: Path) -> str:
    import pyarrow.types as types

    def holds_images(kind: Any) -> bool:
        return bool(
            types.is_binary(kind)
            or types.is_large_binary(kind)
            or (types.is_struct(kind) and kind.get_field_index("bytes") >= 0)
        )

    found = [field.name for field in table.schema if holds_images(field.type)]
    if asked is not None:
        found = [name for name in found if name == asked]
    if len(found) != 1:
        columns = ", ".join(table.column_names)
        wanted = f"a column {asked!r} of images" if asked else "one column of images; say which with image="
        raise DataError(f"{path} must have {wanted}; it has {columns}")
    return str(found[0])


def _label_column(table: pa.Table, asked: str | None, path: Path) -> str:
    found = [name for name in ([asked] if asked else LABELS) if name in table.column_names]
    if not found:
        columns = ", ".join(table.column_names)
        raise DataError(f"{path} has no column of labels ({asked or ', '.join(LABELS)}); it has {columns}; give label=")
    return found[0]


def _class_names(table: pa.Table, column: str) -> list[str] | None:
    """Metadata that Hugging Face writes for a column of classes."""
    metadata = (table.schema.metadata or {}).get(b"huggingface")
    try:
        feature = from_json(metadata)["info"]["features"][column] if metadata else {}
    except (ValueError, KeyError, TypeError):
        return None
    names = feature.get("names") if isinstance(feature, dict) else None
    return [str(name) for name in names] if names else None
