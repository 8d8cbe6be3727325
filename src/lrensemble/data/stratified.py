"""Stratified division of rows into train, val and test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.config import SplitSettings
from lrensemble.errors import DataError

Rows = NDArray[np.int64]


def divide(labels: NDArray[np.int64], test_rows: int, settings: SplitSettings) -> dict[str, Rows]:
    """Row indices of `train`, `val` and `test`, each sorted; a class's share of each is exact to one row.

    Args:
        labels: [sample], of all rows.
        test_rows: how many of the last rows are test rows already; then only val is split off, from the others.
        settings: `val` and `test` are fractions of the rows that are divided.

    Raises:
        DataError: nothing is left to train on, or not for every class.
    """
    generator = np.random.default_rng(settings.seed)
    own = len(labels) - test_rows
    rows = np.arange(own)
    test = np.arange(own, len(labels))
    if not test_rows:
        if settings.val + settings.test >= 1:
            raise DataError(f"split.val = {settings.val} and split.test = {settings.test} leave no row to train on")
        rows, test = _take(rows, labels, settings.test, own, generator)
    train, val = _take(rows, labels, settings.val, own, generator)
    if not len(val):
        raise DataError(f"{own} rows are too few to divide into train, val and test; give more")
    without = np.setdiff1d(labels, labels[train])
    if len(without):
        count = int((labels == without[0]).sum())
        raise DataError(f"class {without[0]} has {count} rows in all, and none is left to train on; give more rows")
    return {"train": train, "val": val, "test": test}


def _take(
    rows: Rows, labels: NDArray[np.int64], fraction: float, of: int, generator: np.random.Generator
) -> tuple[Rows, Rows]:
    """Rows that stay and rows that are taken: `fraction` of `of` rows, evenly spaced through the classes."""
    count = min(max(1, round(fraction * of)), len(rows) - 1)
    shuffled = generator.permutation(rows)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    taken = np.zeros(len(rows), dtype=bool)
    taken[(2 * np.arange(count) + 1) * len(rows) // (2 * count)] = True
    return np.sort(by_class[~taken]), np.sort(by_class[taken])
