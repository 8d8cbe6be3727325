"""Scores of one member, by what its form says: no more is made of it than a metric needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.metrics import METRICS, watched
from lrensemble.targets import Need, Predictions, Target


def scores_of(
    said: Predictions, target: Target, truth: NDArray[Any], weights: NDArray[np.float64] | None = None
) -> dict[str, float]:
    """Watched metrics that the form of predictions serves, by name.

    Args:
        said: predictions of one member.
        target: what the truth of a row is.
        truth: of the rows, as the target has it.
        weights: [sample] how often each row counts; once each where not given.
    """
    scores = {}
    for name in watched(target.kind, said.needs_served):
        seen, aim = _seen(METRICS.facts(name).needs, said, target, truth)
        scores[name] = METRICS.call(name, seen, aim, weights)
    return scores


def _seen(
    need: Need, said: Predictions, target: Target, truth: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """What a metric sees, and the truth: of two classes, right and not, where it needs no more."""
    if need not in ("labels", "likelihood"):
        return target.seen(said), truth
    right = said.labels() == truth if need == "labels" else said.of_truth(truth, target.width)
    of_truth = np.asarray(right, dtype=np.float64)
    return np.stack([1 - of_truth, of_truth], axis=1), np.ones(len(truth), dtype=np.int64)
