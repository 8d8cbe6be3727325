"""Raw inputs for an ensemble from files: images, arrays of numpy, parquet and CSV tables, JSON lines."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lrensemble.config import Inputs
from lrensemble.data.folders import SUFFIXES as IMAGES
from lrensemble.errors import DataError, MissingExtraError, PredictionsError
from lrensemble.export.columns import IMAGE_COLUMNS, are_numbers, numbers_of
from lrensemble.export.json_lines import count_lines, read_lines
from lrensemble.export.raw_inputs import Rows, finite_rows, rows_of_image
from lrensemble.files import storage_errors
from lrensemble.numpy_files import shape_of
from lrensemble.pool.arrays import load

SUFFIXES = (*IMAGES, ".npz", ".npy", ".parquet", ".csv", ".jsonl")
ARRAYS = ("x", "images", "x_test", "test_x", "test_images")
"""Names of the inputs in an `.npz` file; the first one present is taken."""
TABLE_BATCH_ROWS = 4096
"""Rows of a parquet table in memory at once."""


def files_of(given: Sequence[Path]) -> list[Path]:
    """Files, those of folders, and those that patterns such as `images/*.png` mean, in the order of their names.

    A folder stands for the images in it and in the folders below; where it has none, for its other files that can be
    read. Hidden ones are left out.

    Raises:
        DataError: a folder or a pattern without such files.
    """
    found = list[Path]()
    for path in given:
        if os.path.isdir(path):
            found += _in_folder(path)
        elif glob.has_magic(str(path)) and not os.path.lexists(path):
            matches = sorted(map(Path, glob.glob(str(path), recursive=True)))
            if not matches:
                raise DataError(f"no file is called like {path}")
            found += [file for file in matches if file.is_file()]
        else:
            found.append(path)
    return found


def _in_folder(folder: Path) -> list[Path]:
    with storage_errors("read", folder):
        below = sorted(path for path in folder.rglob("*") if path.is_file())
    seen = [path for path in below if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    for suffixes in (IMAGES, SUFFIXES):
        if files := [path for path in seen if path.suffix.lower() in suffixes]:
            return files
    raise DataError(f"{folder} holds no file that can be predicted from; give {', '.join(SUFFIXES)}")


def check_suffix(path: Path) -> None:
    """Refuse a file with an unknown suffix.

    Raises:
        DataError: another suffix.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(
            f"{path}: cannot predict from {path.suffix or 'a file without suffix'}; give {', '.join(SUFFIXES)}"
        )


def read(path: Path, inputs: Inputs, rows: range | None = None) -> Iterator[Rows]:
    """Blocks of raw inputs [sample, *shape] of a file, in the order of its rows.

    An image is one row, turned as its EXIF data say, scaled, cut and converted as in training. An `.npz` file holds one
    of `ARRAYS`. A parquet table has a column `image` or `img` of encoded images (bytes, or Hugging Face's struct of
    bytes and path), or else a column of numbers for each feature; so has a CSV table, whose first line names its
    columns, or is a row of numbers like the others. Columns are found by the names that they had in training, and
    others are left out; where those had none, by their order. JSON lines hold a row each.

    Args:
        path: the file.
        inputs: what the ensemble takes.
        rows: those that are read, one after the other; all unless given.

    Raises:
        DataError: another kind of file, a damaged one, or inputs of another size.
        MissingExtraError: pillow or pyarrow is needed and not installed.
        StorageError: the file cannot be read.
    """
    check_suffix(path)
    suffix = path.suffix.lower()
    if suffix in IMAGES:
        with storage_errors("read", path):
            content = path.read_bytes()
        yield rows_of_image(content, inputs, str(path))
    elif suffix == ".parquet":
        yield from _parquet(path, inputs, rows)
    elif suffix == ".csv":
        yield from _csv(path, inputs, rows)
    elif suffix == ".jsonl":
        yield from read_lines(path, inputs, rows)
    else:
        array = _array(path)
        if rows is not None:
            array = np.array(array[rows.start : rows.stop])
        yield finite_rows(array, inputs, str(path), 0 if rows is None else rows.start)


def count_rows(path: Path, *, named: bool = False) -> int | None:
    """Rows of a file, without making inputs of them; None of one that `read` refuses.

    Args:
        path: the file.
        named: whether features have names, which the first line of a CSV table then holds, numbers or not.

    Raises:
        MissingExtraError: pyarrow is needed and not installed.
        StorageError: the file cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix in IMAGES:
        return 1
    if suffix == ".jsonl":
        return count_lines(path)
    with storage_errors("read", path):
        try:
            return (
                shape_of(path, (*ARRAYS, path.stem))[0] if suffix in (".npz", ".npy") else _rows_of_table(path, named)
            )
        except (OSError, MissingExtraError):
            raise
        except Exception:  # damaged files make numpy, zipfile and arrow raise almost anything
            return None


def _rows_of_table(path: Path, named: bool) -> int:
    try:
        from pyarrow import csv, parquet
    except ImportError:
        raise MissingExtraError("reading tables needs pyarrow: pip install 'lrensemble[hub]'") from None
    if path.suffix.lower() == ".csv":
        table = csv.read_csv(path)
        return int(table.num_rows) + (not named and are_numbers(table.column_names))
    return int(parquet.read_metadata(path).num_rows)


def _array(path: Path) -> Rows:
    try:
        arrays = load(path, frozenset((*ARRAYS, path.stem)))
    except PredictionsError as error:
        raise DataError(str(error)) from None
    names = [name for name in (*ARRAYS, path.stem) if name in arrays]
    if not names:
        raise DataError(f"{path} holds none of the arrays {', '.join(ARRAYS)}; save the inputs as x")
    return arrays[names[0]]


def _parquet(path: Path, inputs: Inputs, rows: range | None) -> Iterator[Rows]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingExtraError("reading parquet needs pyarrow: pip install 'lrensemble[hub]'") from None
    try:
        with storage_errors("read", path), parquet.ParquetFile(path) as file:
            for first, batch in _within(file.iter_batches(TABLE_BATCH_ROWS), rows):
                yield _table(batch, inputs, str(path), first)
    except (ArrowException, UnicodeDecodeError) as error:  # names of columns are decoded when they are asked for
        raise DataError(f"{path} is damaged, or no parquet file: {' '.join(str(error).split())}") from None


def _csv(path: Path, inputs: Inputs, rows: range | None) -> Iterator[Rows]:
    try:
        from pyarrow import ArrowException, csv
    except ImportError:
        raise MissingExtraError("reading CSV needs pyarrow: pip install 'lrensemble[hub]'") from None
    try:
        with storage_errors("read", path):
            # Whole: a stream knows the types of its first block alone, and refuses 1.5 after many whole numbers.
            table = csv.read_csv(path)
            if inputs.features is None and are_numbers(table.column_names):
                table = csv.read_csv(path, csv.ReadOptions(autogenerate_column_names=True))
            for first, batch in _within(table.to_batches(TABLE_BATCH_ROWS), rows):
                yield _table(batch, inputs, str(path), first)
    except (ArrowException, UnicodeDecodeError) as error:
        raise DataError(f"{path} is no CSV table that can be read: {' '.join(str(error).split())}") from None


def _within(batches: Iterable[Any], rows: range | None) -> Iterator[tuple[int, Any]]:
    """Batches of arrow with the number of their first row, cut to these rows; an empty table keeps its columns."""
    first = 0
    for batch in batches:
        start, stop = (0, batch.num_rows) if rows is None else (rows.start - first, rows.stop - first)
        if rows is None or (start < batch.num_rows and stop > 0):
            yield first + max(start, 0), batch.slice(max(start, 0), min(stop, batch.num_rows) - max(start, 0))
        elif stop <= 0:
            return
        first += batch.num_rows


def _table(batch: Any, inputs: Inputs, source: str, first: int) -> Rows:
    names = [name for name in IMAGE_COLUMNS if name in batch.schema.names]
    if names and inputs.features is None:
        cells = [cell["bytes"] if isinstance(cell, dict) else cell for cell in batch.column(names[0]).to_pylist()]
        wrong = [index for index, cell in enumerate(cells) if not isinstance(cell, bytes)]
        if wrong:
            raise DataError(f"{source}: row {first + wrong[0]} of column {names[0]} holds no encoded image")
        rows = [rows_of_image(cell, inputs, f"{source}, row {first + i}") for i, cell in enumerate(cells)]
        return np.concatenate([np.empty((0, *inputs.shape), dtype=np.uint8), *rows])
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused as not finite
        columns = [column.astype(np.float32) for column in numbers_of(batch, inputs, source)]
    return finite_rows(np.stack(columns, axis=1), inputs, source, first)
