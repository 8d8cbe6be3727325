"""Tables that come with scikit-learn, read from its files: importing scikit-learn takes every worker a second."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]


def packaged_table(file: str, load: Callable[[], Table], *, delimiter: str | None = None, header: int = 0) -> Table:
    """Table [row, column] of a data file of scikit-learn, which is read once.

    Args:
        file: its name in scikit-learn's folder of data.
        load: asks scikit-learn itself, for releases that have the file elsewhere.
        delimiter: what stands between columns; blanks unless given.
        header: number of lines before the first row.
    """
    return _read(file, load, delimiter, header).copy()


@cache
def _read(file: str, load: Callable[[], Table], delimiter: str | None, header: int) -> Table:
    """The table that everybody copies: parsing the text takes as long as a few steps of training."""
    package = find_spec("sklearn")
    folder = Path(package.origin).parent if package and package.origin else Path()
    path = folder / "datasets" / "data" / file
    return np.loadtxt(path, delimiter=delimiter, skiprows=header, ndmin=2) if path.exists() else load()
