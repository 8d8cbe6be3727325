"""Raw inputs from JSON lines: one row a line, as a list, or as an object that holds one or names its features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from lrensemble.config import Inputs
from lrensemble.errors import DataError
from lrensemble.export.columns import require_features
from lrensemble.export.raw_inputs import Rows, finite_rows
from lrensemble.files import storage_errors
from lrensemble.text import TextError, from_json

LINES = 1024
"""Lines that become one block of rows."""
KEYS = ("x", "image", "inputs")
"""Keys of an object under which its row may stand."""


def read_lines(path: Path, inputs: Inputs, rows: range | None = None) -> Iterator[Rows]:
    """Blocks of raw inputs [sample, *shape] of a file; empty lines are left out.

    A line is a list, nested as a row is; or an object with such a list under one of `KEYS`; or an object of features,
    which are taken by the names that they had in training. Where those had none, the numbers of the file's first line
    give the names and their order, and all others are taken by these.

    Args:
        path: the file.
        inputs: what the ensemble takes.
        rows: those that are read, one after the other; all unless given.

    Raises:
        DataError: a line that is no such row; its number is named.
        StorageError: the file cannot be read.
    """
    with storage_errors("read", path), path.open("rb") as file:
        given = ((number, line) for number, line in enumerate(file, start=1) if line.strip())
        first = list(islice(given, 1))
        features = inputs.features or (_named(first[0][1]) if first else None)
        whole = chain(first, given)
        lines: Iterator[tuple[int, bytes]] = whole if rows is None else islice(whole, rows.start, rows.stop)
        while block := list(islice(lines, LINES)):
            yield np.concatenate([_row(line, inputs, features, f"{path}, line {number}") for number, line in block])


def count_lines(path: Path) -> int:
    """Lines of a file that are rows.

    Raises:
        StorageError: the file cannot be read.
    """
    with storage_errors("read", path), path.open("rb") as file:
        return sum(bool(line.strip()) for line in file)


def _named(line: bytes) -> list[str] | None:
    """Names of the numbers in a line that is an object of features; None of another one.

    Those that are no number are left out, as a table's columns of texts are.
    """
    try:
        content = from_json(line)
    except TextError:  # which is refused with its line
        return None
    if not isinstance(content, dict) or _held(content) is not None:
        return None
    return _numbers_in(content) or None


def _row(line: bytes, inputs: Inputs, features: Sequence[str] | None, source: str) -> Rows:
    """One row [1, *shape]."""
    try:
        content = from_json(line)
    except TextError as error:
        raise DataError(f"{source}: {error}") from None
    if isinstance(content, dict):
        content = _of_object(content, features, source)
    try:
        array = np.asarray(content)
    except ValueError:
        array = np.empty(0, dtype=object)
    if not isinstance(content, list) or array.dtype.kind not in "iuf":
        raise DataError(f'{source} holds no row of numbers; give [1, 2, …], nested as a row is, or {{"x": […]}}')
    return finite_rows(array[None], inputs, source)


def _held(content: dict[str, Any]) -> list[Any] | None:
    """The row that stands under one of `KEYS`; None where there is none: a feature may be called x as well."""
    return next((content[key] for key in KEYS if isinstance(content.get(key), list)), None)


def _numbers_in(content: dict[str, Any]) -> list[str]:
    """Names of what is a number in an object."""
    return [name for name, each in content.items() if isinstance(each, int | float) and not isinstance(each, bool)]


def _of_object(content: dict[str, Any], features: Sequence[str] | None, source: str) -> Any:
    """The row that an object holds, or whose features it names.

    Raises:
        DataError: features are missing.
    """
    row = _held(content)
    if row is not None:
        return row
    if features is None:
        if not _numbers_in(content):
            return None  # which is no row of numbers
        raise DataError(f"{source} names features, and neither training nor the first line did; give lists in all")
    require_features(features, list(content), source)
    return [content[name] for name in features]
