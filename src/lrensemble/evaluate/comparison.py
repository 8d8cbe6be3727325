"""Gains of teams over single models on the same test rows, each alone and adjusted for the number of teams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.evaluate.result import Gain
from lrensemble.metrics.significance import Comparison, paired_scores, simultaneous_scores

Probabilities = NDArray[np.float64]
Labels = NDArray[np.int64]


def gains(
    probs: Probabilities,
    reference: Probabilities,
    labels: Labels,
    *,
    metrics: Sequence[str] = ("accuracy", "nll"),
    weights: NDArray[np.float64] | None = None,
    groups: NDArray[Any] | None = None,
) -> dict[str, Gain]:
    """Gain of `probs` [sample, class] over `reference` [sample, class] by each metric, paired row by row.

    Args:
        probs: probabilities of the team or model.
        reference: probabilities of the model that it is compared with.
        labels: [sample] class indices.
        metrics: names of metrics; a positive gain is better by each.
        weights: weight of each row [sample].
        groups: group of each row [sample]; rows of one group are not independent.
    """
    return {
        metric: _gain(paired_scores(metric, probs, reference, labels, weights, groups), len(labels))
        for metric in metrics
    }


def gains_in_table(
    metric: str,
    teams: Mapping[str, Probabilities],
    reference: Probabilities,
    labels: Labels,
    *,
    weights: NDArray[np.float64] | None = None,
    groups: NDArray[Any] | None = None,
) -> dict[str, Gain]:
    """Gain of each team [sample, class] over the reference by one metric, adjusted for all of them, by key.

    A team with exactly the probabilities of the reference is that model itself, and has no adjusted gain.
    """
    others = {key: probs for key, probs in teams.items() if not np.array_equal(probs, reference)}
    adjusted = simultaneous_scores(metric, list(others.values()), reference, labels, weights, groups)
    by_key = dict(zip(others, adjusted, strict=True))
    return {
        key: _gain(paired_scores(metric, probs, reference, labels, weights, groups), len(labels), by_key.get(key))
        for key, probs in teams.items()
    }


def _gain(alone: Comparison, rows: int, adjusted: Comparison | None = None) -> Gain:
    found = Gain(value=alone.value, low=alone.low, high=alone.high, p_value=alone.p_value, rows=rows)
    if adjusted is None:
        return found
    update = {"adjusted_low": adjusted.low, "adjusted_high": adjusted.high, "adjusted_p": adjusted.p_value}
    return found.model_copy(update=update)
