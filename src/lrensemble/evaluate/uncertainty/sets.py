"""Conformal sets on test rows: one half finds the threshold, the other measures.

The rows of `val` chose the team, so that a threshold found there would promise too much; test rows chose nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.evaluate.uncertainty.record import PredictorSets, Sets
from lrensemble.metrics.base import Floats, Labels
from lrensemble.metrics.conformal import METHODS, Method, nonconformity, threshold
from lrensemble.metrics.significance.wilson import wilson

COVERAGE = 0.9

FEWEST = 9
"""Fewest rows that find a finite threshold for that coverage: ⌈(n + 1) 0.9⌉ is at most n."""


def sets(
    said: Mapping[str, Floats],
    labels: Labels,
    weights: Floats | None = None,
    groups: NDArray[Any] | None = None,
    *,
    seed: int = 0,
) -> Sets | None:
    """Conformal sets of everybody by every method, on the same halves with the same draws.

    Args:
        said: probabilities [sample, class] by who says them: `single`, and `team` where there is one.
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
    found: dict[str, dict[str, PredictorSets]] = {
        who: {method: _measured(method, probs, labels, counted, groups, draws, halves) for method in METHODS}
        for who, probs in said.items()
    }
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
    method: Method,
    probs: Floats,
    labels: Labels,
    weights: Floats,
    groups: NDArray[Any] | None,
    draws: Floats,
    halves: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> PredictorSets:
    scores, (known, new) = nonconformity(method, probs, draws), halves
    of_truth = scores[np.arange(len(labels)), labels]
    limit = threshold(of_truth[known], COVERAGE, weights[known])
    held, own = scores[new] <= limit, weights[new]
    covered = float(np.average(of_truth[new] <= limit, weights=own))
    low, high = wilson(covered, _independent(own, None if groups is None else groups[new]))
    sizes = held.sum(axis=1)
    return PredictorSets(
        threshold=limit if math.isfinite(limit) else None,
        covered=covered,
        low=low,
        high=high,
        size=float(np.average(sizes, weights=own)),
        empty=float(np.average(sizes == 0, weights=own)),
    )


def _independent(weights: Floats, groups: NDArray[Any] | None) -> float:
    """Number of independent rows that the interval rests on: (Σw)² / Σw², of whole groups (Kish 1965)."""
    if groups is not None:
        weights = np.bincount(np.unique(groups, return_inverse=True)[1].ravel(), weights=weights).astype(np.float64)
    return float(weights.sum() ** 2 / np.square(weights).sum())
