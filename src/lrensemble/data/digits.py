"""The digits that come with scikit-learn: no download."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrensemble.data.source import SOURCES, Samples


@SOURCES.register()
def digits(folder: Path | None) -> Samples:  # noqa: ARG001 – every source takes a folder
    """1,797 handwritten digits, 8x8 grey, 10 classes (Alpaydin & Kaynak 1998); come with scikit-learn, no download."""
    table = _table()
    inputs = table[:, :-1].reshape(-1, 1, 8, 8).astype(np.uint8)  # counts from 0 to 16
    return Samples(inputs, table[:, -1].astype(np.int64), tuple(str(digit) for digit in range(10)))


def _table() -> NDArray[np.float64]:
    """Table [digit, pixel and label] from the file itself: importing scikit-learn takes every worker a second."""
    package = find_spec("sklearn")
    folder = Path(package.origin).parent if package and package.origin else Path()
    file = folder / "datasets" / "data" / "digits.csv.gz"
    if file.exists():
        return np.loadtxt(file, delimiter=",")
    from sklearn.datasets import load_digits

    return np.column_stack(load_digits(return_X_y=True))
