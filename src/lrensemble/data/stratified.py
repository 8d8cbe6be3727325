"""Stratified division of rows into train, val and test."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.config import SplitSettings
from lrensemble.errors import DataError
from lrensemble.targets import Classes, Target

Rows = NDArray[np.int64]


def divide(target: Target, truth: NDArray[Any], test_rows: int, settings: SplitSettings) -> dict[str, Rows]:
    """Row indices of `train`, `val` and `test`, each sorted; a class's share of each is exact to one row.

    Values have no classes: there the share of each stratum, an interval of the first output, is exact to one row.

    Args:
        target: what the truth is.
        truth: [sample] or [sample, output], of all rows.
        test_rows: how many of the last rows are test rows already; then only val is split off, from the others.
        settings: `val` and `test` are fractions of the rows that are divided.

    Raises:
        DataError: nothing is left to train on, or not for every class.
    """
    generator = np.random.default_rng(settings.seed)
    strata = target.strata(truth)
    own = len(strata) - test_rows
    rows = np.arange(own)
    test = np.arange(own, len(strata))
    if not test_rows:
        if settings.val + settings.test >= 1:
            raise DataError(f"split.val = {settings.val} and split.test = {settings.test} leave no row to train on")
        rows, test = _take(rows, strata, settings.test, own, generator)
    train, val = _take(rows, strata, settings.val, own, generator)
    if not len(val):
        raise DataError(f"{own} rows are too few to divide into train, val and test; give more")
    without = np.setdiff1d(strata, strata[train])
    if len(without) and isinstance(target, Classes):
        count = int((strata == without[0]).sum())
        raise DataError(f"class {without[0]} has {count} rows in all, and none is left to train on; give more rows")
    return {"train": train, "val": val, "test": test}


def _take(
    rows: Rows, strata: NDArray[np.int64], fraction: float, of: int, generator: np.random.Generator
) -> tuple[Rows, Rows]:
    """Rows that stay and rows that are taken: `fraction` of `of` rows, evenly spaced through the strata."""
    count = min(max(1, round(fraction * of)), len(rows) - 1)
    shuffled = generator.permutation(rows)
    by_stratum = shuffled[np.argsort(strata[shuffled], kind="stable")]
    taken = np.zeros(len(rows), dtype=bool)
    taken[(2 * np.arange(count) + 1) * len(rows) // (2 * count)] = True
    return np.sort(by_stratum[~taken]), np.sort(by_stratum[taken])
