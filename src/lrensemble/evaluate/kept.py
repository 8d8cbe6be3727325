"""What a metric needs of predictions that come some rows at a time: mostly one number a row."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import LREnsembleError
from lrensemble.metrics import METRICS
from lrensemble.metrics.base import mean_over_rows
from lrensemble.numerics import likeliest
from lrensemble.spec import SpecLike

Floats = NDArray[np.float64]

Reduction = Literal["mean", "reduced", "confusion", "whole"]

NUMBERS: dict[Reduction, int] = {"mean": 1, "reduced": 2, "confusion": 1}
"""How many numbers a row are kept, about."""


def reduction_of(metric: SpecLike) -> Reduction:
    """How a metric is found of rows that come one after another; `whole` where it needs all predictions together."""
    facts = METRICS.facts(METRICS.check(metric))
    if facts.per_row is not None:
        return "mean"
    if facts.reduced is not None:
        return "reduced"
    return "whole" if facts.of_confusion is None else "confusion"


class Kept:
    """One metric of one predictor on one split."""

    def __init__(self, metric: SpecLike, truth: NDArray[Any], width: int) -> None:
        """Make room.

        Args:
            metric: a registered name with its arguments.
            truth: of all rows of the split.
            width: number of classes, for metrics of the confusion matrix.
        """
        self._spec, self._truth, self._width = METRICS.check(metric), truth, width
        self._facts, self._reduction = METRICS.facts(self._spec), reduction_of(self._spec)
        self._numbers: NDArray[Any] | None = None
        self._undefined = False

    def add(self, start: int, predictions: Floats, truth: NDArray[Any]) -> None:
        """Take in predictions [sample, column] of the rows from `start` on; after the first ones, several at once."""
        if self._undefined:
            return
        try:
            found = self._reduced(predictions, truth)
        except LREnsembleError:  # a distribution asked of values, say, or a metric of the user's own
            self._undefined = True
            return
        numbers = self._numbers
        if numbers is None:
            self._numbers = numbers = np.empty((len(self._truth), *found.shape[1:]), found.dtype)
        numbers[start : start + len(found)] = found

    @property
    def values(self) -> Floats | None:
        """Values of rows [sample] that the metric is the mean of; None of a metric that is no such mean."""
        return self._numbers if self._reduction == "mean" and not self._undefined else None

    def value(self, weights: Floats | None) -> float | None:
        """Value of the metric on all rows; None where it is not defined on them."""
        if self._numbers is None or self._undefined:
            return None
        try:
            value = self._value(self._numbers, weights)
        except LREnsembleError:  # of a class without rows, say
            return None
        return value if np.isfinite(value) else None

    def _reduced(self, predictions: Floats, truth: NDArray[Any]) -> NDArray[Any]:
        arguments = self._spec.arguments
        if self._facts.per_row is not None:
            return np.asarray(self._facts.per_row(predictions, truth, **arguments), dtype=np.float64)
        if self._facts.reduced is not None:
            return np.asarray(self._facts.reduced(predictions, truth), dtype=np.float64)
        if self._reduction == "confusion":
            named: NDArray[np.int64] = likeliest(predictions)
            return named
        return predictions

    def _value(self, numbers: NDArray[Any], weights: Floats | None) -> float:
        arguments = self._spec.arguments
        if self._reduction == "mean":
            return mean_over_rows(numbers, weights)
        if self._facts.of_reduced is not None and self._reduction == "reduced":
            return float(self._facts.of_reduced(numbers, weights, **arguments))
        if self._facts.of_confusion is not None and self._reduction == "confusion":
            cells = np.bincount(self._truth * self._width + numbers, weights=weights, minlength=self._width**2)
            matrix = cells.reshape(self._width, self._width).astype(np.float64)
            return float(self._facts.of_confusion(matrix, **arguments))
        return float(METRICS.call(self._spec, numbers, self._truth, *(() if weights is None else (weights,))))
