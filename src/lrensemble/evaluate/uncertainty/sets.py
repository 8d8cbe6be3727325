"""Conformal sets on test rows: one half finds the threshold, the other measures.

The rows of `val` chose the team, so that a threshold found there would promise too much; test rows chose nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.evaluate.streaming import Compute
from lrensemble.evaluate.uncertainty.record import PredictorSets, Sets
from lrensemble.metrics.base import Floats, Labels
from lrensemble.metrics.conformal import METHODS, nonconformity, threshold
from lrensemble.metrics.significance.wilson import wilson

ByRow = Callable[[Compute], NDArray[Any]]
"""From what is computed of the predictions of some rows to that of all rows."""

COVERAGE = 0.9

FEWEST = 9
"""Fewest rows that find a finite threshold for that coverage: ⌈(n + 1) 0.9⌉ is at most n."""


def sets(
    by_row: Mapping[str, ByRow],
    labels: Labels,
    weights: Floats | None = None,
    groups: NDArray[Any] | None = None,
    *,
    seed: int = 0,
) -> Sets | None:
    """Conformal sets of everybody by every method, on the same halves with the same draws.

    Args:
        by_row: what computes of each row, by who predicts: `single`, and `team` where there is one.
        labels: [sample] class indices.
        weights: [sample] how much each row counts; rows without weight are left out.
        groups: [sample] groups, each of which is in one half as a whole.
        seed: of the division and of the draws.

    Returns:
        None where a half is too small for a threshold.
    """
    generator = np.random.default_rng(seed)
    calibration = _half(labels, groups, generator)
    draws = generator.random(len(labels))
    counted = np.ones(len(labels)) if weights is None else np.asarray(weights, dtype=np.float64)
    halves = calibration & (counted > 0), ~calibration & (counted > 0)
    if min(half.sum() for half in halves) < FEWEST:
        return None
    found = {who: _measured(own, labels, counted, groups, draws, halves) for who, own in by_row.items()}
    return Sets(
        coverage=COVERAGE,
        seed=seed,
        calibration_rows=int(halves[0].sum()),
        measured_rows=int(halves[1].sum()),
        single=found["single"],
        team=found.get("team", {}),
    )


def _half(labels: Labels, groups: NDArray[Any] | None, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Whether a row [sample] finds the threshold: half of the groups at random, or half of the rows."""
    unit = np.arange(len(labels)) if groups is None else np.unique(groups, return_inverse=True)[1].ravel()
    units = int(unit.max()) + 1
    chosen = np.zeros(units, dtype=bool)
    chosen[generator.permutation(units)[: units // 2]] = True
    return chosen[unit]


def _measured(
    by_row: ByRow,
    labels: Labels,
    weights: Floats,
    groups: NDArray[Any] | None,
    draws: Floats,
    halves: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> dict[str, PredictorSets]:
    """Sets of one predictor by method. Its rows are read twice: for the thresholds, and for the sizes of sets."""

    def scores(probs: Floats, rows: slice) -> Iterator[Floats]:
        return (nonconformity(method, probs, draws[rows]) for method in METHODS)

    def of_true(probs: Floats, rows: slice) -> Floats:
        places = np.arange(len(probs)), labels[rows]
        return np.stack([each[places] for each in scores(probs, rows)], axis=1)

    def sizes_of(probs: Floats, rows: slice) -> NDArray[np.int64]:
        held = zip(scores(probs, rows), limits, strict=True)
        return np.stack([(each <= limit).sum(axis=1) for each, limit in held], axis=1)

    known, new = halves
    of_truth = by_row(of_true)
    limits = [threshold(each, COVERAGE, weights[known]) for each in of_truth[known].T]
    sizes = by_row(sizes_of)[new]
    group = None if groups is None else groups[new]
    return {
        method: _record(limit, of_truth[new, place], sizes[:, place], weights[new], group)
        for place, (method, limit) in enumerate(zip(METHODS, limits, strict=True))
    }


def _record(
    limit: float, of_truth: Floats, sizes: NDArray[np.int64], weights: Floats, groups: NDArray[Any] | None
) -> PredictorSets:
    covered = float(np.average(of_truth <= limit, weights=weights))
    low, high = wilson(covered, _independent(weights, groups))
    return PredictorSets(
        threshold=limit if math.isfinite(limit) else None,
        covered=covered,
        low=low,
        high=high,
        size=float(np.average(sizes, weights=weights)),
        empty=float(np.average(sizes == 0, weights=weights)),
    )


def _independent(weights: Floats, groups: NDArray[Any] | None) -> float:
    """Number of independent rows that the interval rests on: (Σw)² / Σw², of whole groups (Kish 1965)."""
    if groups is not None:
        weights = np.bincount(np.unique(groups, return_inverse=True)[1].ravel(), weights=weights).astype(np.float64)
    return float(weights.sum() ** 2 / np.square(weights).sum())
