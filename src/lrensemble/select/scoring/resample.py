"""Folds and resamples of the validation rows, as counts of rows; rows of one group stay together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.rows import stratified_folds
from lrensemble.select.validation import Floats, Validation


def bootstrap_weights(validation: Validation, generator: np.random.Generator) -> Floats:
    """[sample] weights of the rows on one bootstrap resample (Efron & Tibshirani 1993, ch. 6).

    As many rows, or groups, are drawn with replacement as count at all; each drawn one brings the weights that it has.
    """
    units = validation.units[validation.counted]
    present = np.flatnonzero(np.bincount(units))
    drawn = present[generator.integers(len(present), size=len(present))]
    times = np.bincount(drawn, minlength=int(validation.units.max()) + 1)
    return np.asarray(times[validation.units] * validation.row_weights)


def mean_and_error(values: Floats, weights: Floats, units: NDArray[np.int64]) -> tuple[float, float]:
    """The weighted mean of values [sample] and its standard error, where the units of rows are drawn independently.

    The linearised variance of a ratio (Cochran 1977, eq. 2.39): sum over units of (sum of w (x - mean))² · n / (n - 1)
    / (sum of w)². For rows of weight one it is the variance over n. The error of one unit is 0.
    """
    mean = float(values @ weights / weights.sum())
    places = np.unique(units[weights > 0], return_inverse=True)[1]
    deviations = np.bincount(places, weights=(weights * (values - mean))[weights > 0])
    count = len(deviations)
    variance = float(deviations @ deviations) * count / max(count - 1, 1) / float(weights.sum()) ** 2
    return mean, float(np.sqrt(variance)) if count > 1 else 0.0


def folds_of_rows(validation: Validation, folds: int, seed: int | tuple[int, ...]) -> NDArray[np.int64]:
    """The fold of every row [sample]; rows that do not count are spread as well, and change nothing."""
    strata = validation.target.strata(validation.truth)
    if validation.groups is None or len(np.unique(validation.groups)) == len(validation.groups):
        return stratified_folds(strata, folds, seed, validation.row_weights > 0)
    return grouped_folds(strata, validation.groups, validation.row_weights, folds, seed)


def grouped_folds(
    labels: NDArray[np.int64], groups: NDArray[np.int64], weights: Floats, folds: int, seed: int | tuple[int, ...]
) -> NDArray[np.int64]:
    """The fold of every row [sample], all rows of a group in one: classes are spread as evenly as groups allow.

    Groups are taken in random order, the largest first, and each goes to the fold where it leaves the classes most even
    between folds: that of the least sum of squared class weights, each relative to the class's whole weight. Every fold
    gets a group before any gets a second, so that none is empty where there are as many groups.
    """
    share = weights / np.maximum(np.bincount(labels, weights=weights), np.finfo(np.float64).tiny)[labels]
    by_group = np.argsort(groups, kind="stable")
    rows_of = [rows[weights[rows] > 0] for rows in np.split(by_group, np.cumsum(np.bincount(groups))[:-1])]
    present = np.array([group for group, rows in enumerate(rows_of) if len(rows)])
    order = np.random.default_rng(seed).permutation(present)
    size = np.array([weights[rows_of[group]].sum() for group in order])
    filled, fold_of_group = np.zeros((folds, int(labels.max()) + 1)), np.zeros(len(rows_of), dtype=np.int64)
    for place, group in enumerate(order[np.argsort(-size, kind="stable")].tolist()):
        own, shares = labels[rows_of[group]], share[rows_of[group]]
        rise = filled[:, own] @ shares  # half of what the sum of squares gains, but for what is the same for all folds
        if place < folds:
            rise[filled.any(axis=1)] = np.inf
        fold = int(np.argmin(rise))
        np.add.at(filled[fold], own, shares)
        fold_of_group[group] = fold
    return fold_of_group[groups]
