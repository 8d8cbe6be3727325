"""Tables as named columns: CSV, TSV and parquet files, and frames of pandas or polars."""

from __future__ import annotations

import gzip
import io
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import LREnsembleError, MissingExtraError, PredictionsError
from lrensemble.files import storage_errors
from lrensemble.pool.collect.reading.first_lines import (
    cells_of,
    counts_from_zero,
    is_number,
    require_names,
    separator_of,
    whole_names,
)
from lrensemble.pool.collect.reading.roles import role_of
from lrensemble.text.reading import TextError, Unpacking

if TYPE_CHECKING:
    import pandas as pd

Arrays = dict[str, NDArray[Any]]

MISSING = ("", "NaN", "nan", "NA", "N/A", "n/a", "<NA>", "NULL", "null", "-nan", "#N/A")
"""Cells without a value; `None` is a class in many tables."""

_WITH_COMMA = re.compile(r"-?\d+,\d+")


def read_table(path: Path) -> Arrays:
    """Columns of a file by name.

    Raises:
        PredictionsError: it is no such file, or damaged.
        StorageError: it cannot be read.
        MissingExtraError: pandas or pyarrow is not installed.
    """
    pandas = need_pandas()
    try:
        with storage_errors("read", path), path.open("rb") as file:
            if ".parquet" in path.suffixes:
                return columns_of(pandas.read_parquet(file))
            if path.suffix in (".feather", ".arrow"):
                return columns_of(pandas.read_feather(file))
        with storage_errors("read", path):
            return columns_of(_csv(path))
    except LREnsembleError:
        raise
    except TextError as error:
        raise PredictionsError(f"{path} cannot be read: {error}") from None
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise PredictionsError(f"{path} cannot be read: it is no UTF-8 (byte {byte:#04x}); save it as UTF-8") from None
    except ImportError:
        raise MissingExtraError("parquet files need pyarrow; pip install 'lrensemble[tables]'") from None
    except Exception as error:  # damaged files make pandas and pyarrow raise almost anything
        raise PredictionsError(f"{path} cannot be read as a table: {' '.join(str(error).split())[:200]}") from None


def need_pandas() -> Any:
    """The module pandas.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise MissingExtraError("tables need pandas; pip install 'lrensemble[tables]'") from None
    return pandas


def _csv(path: Path) -> pd.DataFrame:
    """A table of text, unpacked and read some of it at a time: no more is held than the cells, and their words once."""
    first, told, skipped = _first_line(path)
    separator = told or separator_of(first, path)
    cells_of_first = cells_of(first, separator)
    headless = bool(first) and all(is_number(cell) for cell in cells_of_first)
    if not headless:
        require_names(cells_of_first, path)
    of_rows = [] if headless else [name for name in cells_of_first if role_of(name) == "ids"]
    classes = {re.split(r"[\s_\-.:(\[]+", name.rstrip(")] "))[-1] for name in cells_of_first}
    missing = [cell for cell in MISSING if not cell or cell not in classes]  # a class may be called NA
    pandas = need_pandas()
    exact = {"float_precision": "round_trip"} if int(pandas.__version__.split(".")[0]) < 3 else {}  # the default since

    def read(decimal: str) -> pd.DataFrame:
        with _text(path) as text:
            return pandas.read_csv(
                text,
                sep=r"\s+" if separator == " " else separator,
                decimal=decimal,
                header=None if headless and not counts_from_zero(cells_of_first) else "infer",
                keep_default_na=False,
                na_values=missing,
                low_memory=False,
                skipinitialspace=True,
                skiprows=skipped,
                dtype=dict.fromkeys(of_rows, str),  # 12e3 is a name, and no number
                **exact,
            )

    found = _composed(read("."))
    if separator in ";\t" and _has_decimal_commas(found):
        found = _composed(read(","))
    stripped = found.columns.map(lambda name: name.strip().removeprefix("# ") if isinstance(name, str) else name)
    if stripped.is_unique:  # spaces around names are of whoever wrote the file by hand
        found.columns = stripped
    for name in of_rows:
        if name.strip() in found.columns:
            found[name.strip()] = whole_names(found[name.strip()])
    return found


def _first_line(path: Path) -> tuple[str, str, int]:
    """The first line that is not empty, the separator that a line `sep=;` before it tells, and the lines up to that."""
    told, skipped = "", 0
    with _text(path) as lines:
        for count, line in enumerate(lines, 1):
            if not told and (match := re.fullmatch(r"(?i)sep=([,;|\t])", line.strip())):  # a line for Excel
                told, skipped = match[1], count
            elif line.strip():
                return line.rstrip("\r\n"), told, skipped
    return "", told, skipped


@contextmanager
def _text(path: Path) -> Iterator[io.TextIOWrapper]:
    """The text of a file, unpacked while it is read where it is compressed.

    Raises:
        PredictionsError: it is not what its suffix says.
    """
    try:
        with (
            Unpacking(path) if path.suffix.lower() == ".gz" else path.open("rb") as file,
            io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text,
        ):
            yield text
    except gzip.BadGzipFile as error:  # which would pass for a disk that fails
        raise PredictionsError(f"{path} cannot be read as a table: {error}") from None


def _has_decimal_commas(frame: pd.DataFrame) -> bool:
    """Whether a number with a comma stands in a column that was read as text."""
    return any(
        isinstance(cell, str) and _WITH_COMMA.fullmatch(cell.strip())
        for place, kind in enumerate(frame.dtypes)
        if getattr(kind, "kind", "O") == "O"
        for cell in frame.iloc[:, place]
    )


def _composed(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with names and texts in one normal form of Unicode: what looks the same is the same."""
    frame.columns = frame.columns.map(
        lambda name: unicodedata.normalize("NFC", name) if isinstance(name, str) else name
    )
    for place, kind in enumerate(frame.dtypes):
        if getattr(kind, "kind", "O") == "O":
            cells = frame.iloc[:, place]
            if not all(cell.isascii() for cell in cells if isinstance(cell, str)):
                frame.isetitem(place, [unicodedata.normalize("NFC", c) if isinstance(c, str) else c for c in cells])
    return frame


def columns_of(frame: pd.DataFrame) -> Arrays:
    """Columns of a frame by name; an index that is more than the place of a row is the column `index`.

    An index without a name comes last: `sample` and filters leave one, and a column that names rows says more.
    """
    pandas = need_pandas()
    found: Arrays = {}
    index = frame.index
    named = index.name is not None or not isinstance(index, pandas.RangeIndex) or index.step != 1  # backwards: an order
    index = cells(frame.index.to_series()) if named and frame.index.nlevels == 1 else None
    if index is not None and frame.index.name is not None:
        found[str(frame.index.name)], index = index, None
    for place, name in enumerate(frame.columns):
        label = "_".join(map(str, name)) if isinstance(name, tuple) else str(name)
        column = cells(frame.iloc[:, place])
        if isinstance(column, dict):
            found.update({f"{label}_{key}": array for key, array in column.items()})
        else:
            found[label] = column
    if index is not None:
        found.setdefault("index", index)
    return found


def cells(column: Any) -> Any:
    """Cells of a column as an array [sample, …], or arrays by key where cells are records."""
    kind = column.dtype
    if getattr(kind, "kind", "O") in "biuf" and isinstance(kind, np.dtype):
        return column.to_numpy()
    if hasattr(kind, "numpy_dtype") and getattr(kind, "kind", "O") in "biuf":  # a type with its own missing value
        missing = bool(column.isna().any())
        return (
            column.to_numpy(dtype=np.float64 if missing else kind.numpy_dtype, na_value=np.nan)
            if missing
            else (column.to_numpy(dtype=kind.numpy_dtype))
        )
    return from_cells(list(column))


def from_cells(given: list[Any]) -> Any:
    """Cells of any kind as an array [sample, …], or arrays by key where cells are records."""
    given = [None if isinstance(cell, float) and cell != cell else _plain(cell) for cell in given]
    known = [cell for cell in given if cell is not None]
    if known and all(isinstance(cell, dict) for cell in known):
        keys = dict.fromkeys(key for cell in known for key in cell)
        return {str(key): from_cells([None if cell is None else cell.get(key) for cell in given]) for key in keys}
    listed = [_listed(cell) for cell in given]
    if known and all(cell is not None or given[place] is None for place, cell in enumerate(listed)):
        return _stacked(listed)
    if known and all(isinstance(cell, bool | np.bool_) for cell in given):
        return np.array(given, dtype=bool)
    if known and all(isinstance(cell, int | float | np.number) and not isinstance(cell, bool) for cell in known):
        whole = len(known) == len(given) and all(isinstance(cell, int | np.integer) for cell in known)
        if whole and not all(-(2**63) <= cell < 2**63 for cell in known):
            return _texts(given, known)  # names of rows with more digits than numbers have
        return np.array([np.nan if cell is None else cell for cell in given], dtype=np.int64 if whole else np.float64)
    return _texts(given, known)


def _plain(cell: Any) -> Any:
    """A cell; text that was written as bytes of UTF-8 is text."""
    if not isinstance(cell, bytes):
        return cell
    try:
        return cell.decode()
    except UnicodeDecodeError:
        return cell


def _texts(given: list[Any], known: list[Any]) -> NDArray[Any]:
    """Texts; numbers where `None` alone stands between them."""
    texts = [str(cell) for cell in known]
    if any(text == "None" for text in texts) and all(text == "None" or is_number(text) for text in texts):
        return np.array([np.nan if cell is None or str(cell) == "None" else float(cell) for cell in given])
    return np.array(["" if cell is None else str(cell) for cell in given], dtype=np.str_)


def _listed(cell: Any) -> list[Any] | None:
    """A cell that is a list of numbers, or the text of one, as numpy and Python write it."""
    if isinstance(cell, np.ndarray | list | tuple):
        return list(cell)
    if isinstance(cell, str) and cell.lstrip().startswith("[np."):
        cell = re.sub(r"np\.float\d+\(([^()]*)\)", r"\1", cell)
    if isinstance(cell, str) and re.fullmatch(r"\s*[\[(][\d\s.,eE+\-]+[\])]\s*", cell):
        return [float(word) for word in re.split(r"[\s,]+", cell.strip(" []()\n\t")) if word]
    return None


def _stacked(listed: list[list[Any] | None]) -> NDArray[Any]:
    width = next(len(cell) for cell in listed if cell is not None)
    rows = [[np.nan] * width if cell is None else cell for cell in listed]
    if any(len(row) != width for row in rows):
        place = next(place for place, row in enumerate(rows) if len(row) != width)
        raise PredictionsError(
            f"row {place} lists {len(rows[place])} numbers and row 0 {width}; give as many in every row"
        )
    return np.asarray(rows)
