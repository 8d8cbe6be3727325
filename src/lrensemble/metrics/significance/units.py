"""Independent units of a comparison: rows, or groups of rows, with what each adds to the difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError

Floats = NDArray[np.float64]
Groups = NDArray[np.generic]


@dataclass(frozen=True)
class Units:
    """Units whose sum is a mean difference, and which are independent of each other."""

    sums: Floats
    """Weighted differences [comparison, unit], summed over the rows of each unit."""
    weights: Floats
    """Summed weights [unit] of the rows of each unit."""
    pseudo: Floats
    """Weight [comparison] of one more observation: that of a row times the design effect of the groups."""
    largest: Floats
    """Largest difference [comparison] that one more observation would bring, judged by those observed."""
    correctness: bool = False
    """Whether rows differ by -1, 0 or 1, as where both classifiers are right or wrong."""
    plain: bool = False
    """Whether units are rows that count once each."""
    grouped: bool = False
    """Whether units are groups of rows, of which one may outweigh the others."""

    @property
    def values(self) -> Floats:
        """Weighted mean differences [comparison]."""
        return np.asarray(self.sums.sum(axis=1) / self.weights.sum())

    @property
    def freedom(self) -> float:
        """Effective number of units less one (Kish 1965), at least one."""
        return max(1.0, float(self.weights.sum() ** 2 / np.square(self.weights).sum()) - 1)


def units_of(differences: NDArray[np.floating], weights: Floats | None = None, groups: Groups | None = None) -> Units:
    """Sum rows into independent units.

    Args:
        differences: [comparison, sample] of what one classifier has over another on each row.
        weights: [sample] what each row counts, not negative; once each where not given.
        groups: [sample] of any kind; rows of one group are not independent. Each row its own where not given.

    Raises:
        PredictionsError: no rows, NaN, another number of weights or groups, or weights that are negative or all zero.
    """
    values = np.asarray(differences, dtype=np.float64)
    _check_differences(values)
    rows = values.shape[1]
    each = _checked_weights(weights, rows)
    weighted = values * each
    row_weight = float(each @ each / each.sum())
    correctness = bool(np.isin(values, (-1.0, 0.0, 1.0)).all())
    if groups is None:
        pseudo = np.full(len(values), row_weight)
        return Units(weighted, each, pseudo, pseudo * _most(values, each), correctness, plain=weights is None)
    if np.shape(groups) != (rows,):
        raise PredictionsError(f"groups have shape {np.shape(groups)}; there are {rows} rows, so give [{rows}]")
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.array([np.bincount(group, one) for one in weighted])
    totals = np.asarray(np.bincount(group, each), dtype=np.float64)
    largest = float(totals @ totals / totals.sum())
    means = sums.sum(axis=1, keepdims=True) / each.sum()
    between = np.square(sums - means * totals).sum(axis=1)
    within = np.square(weighted - means * each).sum(axis=1)
    # Where no two rows differ, nothing tells how alike rows of a group are: they count as copies of one another.
    # One group alone shows nothing of what its rows have in common: it counts as a single row.
    known = (within > 0) & (np.count_nonzero(totals) > 1)
    effect = np.divide(between, within, out=np.full(len(values), np.inf), where=known)
    pseudo = np.clip(row_weight * effect, row_weight, max(row_weight, largest))
    return Units(sums, totals, pseudo, pseudo * _most(values, each), correctness, grouped=True)


def _most(values: Floats, each: Floats) -> Floats:
    return np.asarray(np.abs(values[:, each > 0]).max(axis=1))


def _check_differences(values: Floats) -> None:
    if values.ndim != 2:
        raise PredictionsError(f"differences have {values.ndim - 1} axes for a comparison; give one value a row")
    if values.shape[1] == 0:
        raise PredictionsError("no rows to compare; give at least one")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row = int(bad[0][1])
        raise PredictionsError(f"the difference in row {row} is {values[tuple(bad[0])]}; give finite values")


def _checked_weights(weights: Floats | None, rows: int) -> Floats:
    if weights is None:
        return np.ones(rows)
    each = np.asarray(weights, dtype=np.float64)
    if each.shape != (rows,):
        raise PredictionsError(f"weights have shape {each.shape}; there are {rows} rows, so give [{rows}]")
    if not (np.isfinite(each).all() and (each >= 0).all() and each.any()):
        raise PredictionsError("weights of rows are negative, not finite, or all zero; give how much each row counts")
    return each
