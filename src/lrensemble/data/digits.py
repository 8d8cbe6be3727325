"""The digits that come with scikit-learn: no download."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lrensemble.data.packaged import Table, packaged_table
from lrensemble.data.source import SOURCES, Samples


@SOURCES.register()
def digits(folder: Path | None) -> Samples:  # noqa: ARG001 – every source takes a folder
    """1,797 handwritten digits, 8x8 grey, 10 classes (Alpaydin & Kaynak 1998); come with scikit-learn, no download."""
    table = packaged_table("digits.csv.gz", _asked, delimiter=",")
    inputs = table[:, :-1].reshape(-1, 1, 8, 8).astype(np.uint8)  # counts from 0 to 16
    return Samples(inputs, table[:, -1].astype(np.int64), tuple(str(digit) for digit in range(10)))


def _asked() -> Table:
    from sklearn.datasets import load_digits

    return np.column_stack(load_digits(return_X_y=True))
