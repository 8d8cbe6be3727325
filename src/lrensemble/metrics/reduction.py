"""What a metric needs of predictions that come some rows at a time: mostly one number a row."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.metrics.base import METRICS, Floats, mean_over_rows
from lrensemble.metrics.confusion import confusions_of
from lrensemble.numerics import likeliest
from lrensemble.spec import SpecLike

Reduction = Literal["mean", "reduced", "confusion", "whole"]

NUMBERS: dict[Reduction, int] = {"mean": 1, "reduced": 2, "confusion": 1}
"""How many numbers a row are kept, about."""


def reduction_of(metric: SpecLike) -> Reduction:
    """How a metric is found of rows that come one after another; `whole` where it needs all predictions together."""
    facts = METRICS.facts(METRICS.check(metric))
    if facts.per_row is not None:
        return "mean"
    if facts.reduced is not None and facts.of_reduced is not None:
        return "reduced"
    return "whole" if facts.of_confusion is None else "confusion"


def reduced(metric: SpecLike, predictions: Floats, truth: NDArray[Any]) -> NDArray[Any]:
    """What a metric needs of some rows [sample, …]: their values, numbers, predicted classes, or all predictions.

    Args:
        metric: a registered name with its arguments.
        predictions: [sample, column], as the metric reads them.
        truth: of the same rows.
    """
    spec = METRICS.check(metric)
    facts = METRICS.facts(spec)
    if facts.per_row is not None:
        return np.asarray(facts.per_row(predictions, truth, **spec.arguments), dtype=np.float64)
    if facts.reduced is not None and facts.of_reduced is not None:
        return np.asarray(facts.reduced(predictions, truth), dtype=np.float64)
    return predictions if facts.of_confusion is None else np.asarray(likeliest(predictions))


def value_of_reduced(
    metric: SpecLike, numbers: NDArray[Any], truth: NDArray[Any], width: int, weights: Floats | None = None
) -> float:
    """The value of a metric on rows, from what it needs of each.

    Args:
        metric: a registered name with its arguments.
        numbers: [sample, …] as of `reduced`.
        truth: of the same rows.
        width: number of classes, for metrics of the confusion matrix.
        weights: [sample] how often each row counts.

    Raises:
        PredictionsError: the metric is not defined on these rows.
    """
    spec = METRICS.check(metric)
    facts = METRICS.facts(spec)
    if facts.per_row is not None:
        return mean_over_rows(numbers, weights)
    if facts.reduced is not None and facts.of_reduced is not None:
        return float(facts.of_reduced(numbers, weights, **spec.arguments))
    if facts.of_confusion is not None:
        return float(facts.of_confusion(confusions_of(numbers, truth, width, weights), **spec.arguments))
    return float(METRICS.call(spec, numbers, truth, *(() if weights is None else (weights,))))
