"""Raw inputs from JSON lines: one row a line, as a list, or as an object that holds one or names its features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
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


def read_lines(path: Path, inputs: Inputs) -> Iterator[Rows]:
    """Blocks of raw inputs [sample, *shape] of a file; empty lines are left out.

    A line is a list, nested as a row is; or an object with such a list under one of `KEYS`; or an object of features,
    which are taken by the names that they had in training, or their numbers in their order where those had none.

    Raises:
        DataError: a line that is no such row; its number is named.
        StorageError: the file cannot be read.
    """
    with storage_errors("read", path), path.open("rb") as file:
        lines = ((number, line) for number, line in enumerate(file, start=1) if line.strip())
        while block := list(islice(lines, LINES)):
            yield np.concatenate([_row(line, inputs, f"{path}, line {number}") for number, line in block])


def _row(line: bytes, inputs: Inputs, source: str) -> Rows:
    """One row [1, *shape]."""
    try:
        content = from_json(line)
    except TextError as error:
        raise DataError(f"{source}: {error}") from None
    if isinstance(content, dict):
        content = _of_object(content, inputs.features, source)
    try:
        array = np.asarray(content)
    except ValueError:
        array = np.empty(0, dtype=object)
    if not isinstance(content, list) or array.dtype.kind not in "iuf":
        raise DataError(f'{source} holds no row of numbers; give [1, 2, …], nested as a row is, or {{"x": […]}}')
    return finite_rows(array[None], inputs, source)


def _of_object(content: dict[str, Any], features: Sequence[str] | None, source: str) -> Any:
    """The row that an object holds, or whose features it names.

    Raises:
        DataError: features are missing.
    """
    row = next((content[key] for key in KEYS if key in content), None)
    if isinstance(row, list):
        return row
    if features is None:
        return _numbers(content) if row is None else row
    require_features(features, list(content), source)
    return [content[name] for name in features]


def _numbers(features: dict[str, Any]) -> list[float]:
    """The values that are numbers, as a table's columns of numbers."""
    return [each for each in features.values() if isinstance(each, int | float) and not isinstance(each, bool)]
