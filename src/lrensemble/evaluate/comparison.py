"""Gains of teams over single models on the same test rows, each alone and adjusted for the number of teams."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.evaluate.result import Gain
from lrensemble.metrics import METRICS, row_values
from lrensemble.metrics.significance import Comparison, compared_rows, paired_scores, simultaneous_scores

Floats = NDArray[np.float64]
Truth = NDArray[Any]


def gains(
    predictions: Floats,
    reference: Floats,
    truth: Truth,
    *,
    metrics: Sequence[str] = ("accuracy", "nll"),
    weights: Floats | None = None,
    groups: NDArray[Any] | None = None,
) -> dict[str, Gain]:
    """Gain of predictions [sample, column] over those of a reference by each metric, paired row by row.

    Args:
        predictions: of the team or model: probabilities of classes, or values.
        reference: of the model that it is compared with.
        truth: [sample] class indices, or [sample, output] values.
        metrics: names of metrics; a positive gain is better by each.
        weights: weight of each row [sample].
        groups: group of each row [sample]; rows of one group are not independent.
    """
    return {
        metric: gain_of(paired_scores(metric, predictions, reference, truth, weights, groups), len(truth))
        for metric in metrics
    }


def gains_in_table(
    metric: str,
    teams: Mapping[str, Floats],
    reference: Floats,
    truth: Truth,
    *,
    weights: Floats | None = None,
    groups: NDArray[Any] | None = None,
) -> dict[str, Gain]:
    """Gain of each team [sample, column] over the reference by one metric, adjusted for all of them, by key.

    A team with exactly the predictions of the reference is that model itself, and has no adjusted gain.
    """
    itself = {key for key, predictions in teams.items() if np.array_equal(predictions, reference)}
    if is_mean(metric):
        values = {key: _row_values(metric, predictions, truth) for key, predictions in teams.items()}
        base = _row_values(metric, reference, truth)
        return gains_of_rows(metric, values, base, itself, weights=weights, groups=groups)
    others = {key: predictions for key, predictions in teams.items() if key not in itself}
    adjusted = simultaneous_scores(metric, list(others.values()), reference, truth, weights, groups)
    by_key = dict(zip(others, adjusted, strict=True))
    return {
        key: gain_of(paired_scores(metric, own, reference, truth, weights, groups), len(truth), by_key.get(key))
        for key, own in teams.items()
    }


def gains_of_rows(
    metric: str,
    teams: Mapping[str, Floats],
    reference: Floats,
    itself: Collection[str],
    *,
    weights: Floats | None = None,
    groups: NDArray[Any] | None = None,
) -> dict[str, Gain]:
    """`gains_in_table` by a metric that is a mean over rows, from its values of rows.

    Args:
        metric: name of the metric.
        teams: [sample] values by key.
        reference: [sample] values.
        itself: keys of the teams with exactly the predictions of the reference.
        weights: weight of each row [sample].
        groups: group of each row [sample].
    """
    others = {key: values for key, values in teams.items() if key not in itself}
    adjusted = compared_rows(metric, list(others.values()), reference, weights, groups)
    by_key = dict(zip(others, adjusted, strict=True))
    return {
        key: gain_of(compared_rows(metric, [own], reference, weights, groups)[0], len(reference), by_key.get(key))
        for key, own in teams.items()
    }


def is_mean(metric: str) -> bool:
    """Whether a metric is a mean over rows."""
    return METRICS.facts(METRICS.check(metric)).per_row is not None


def _row_values(metric: str, predictions: Floats, truth: Truth) -> Floats:
    values = row_values(metric, predictions, truth)
    assert values is not None
    return values


def gain_of(alone: Comparison, rows: int, adjusted: Comparison | None = None) -> Gain:
    """Record of a comparison alone, and of the same one adjusted for others."""
    found = Gain(value=alone.value, low=alone.low, high=alone.high, p_value=alone.p_value, rows=rows)
    if adjusted is None:
        return found
    update = {"adjusted_low": adjusted.low, "adjusted_high": adjusted.high, "adjusted_p": adjusted.p_value}
    return found.model_copy(update=update)
