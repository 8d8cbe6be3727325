"""One metric of one predictor on one split, whose predictions come some rows at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import LREnsembleError
from lrensemble.metrics import METRICS
from lrensemble.metrics.reduction import reduced, reduction_of, value_of_reduced
from lrensemble.spec import SpecLike

Floats = NDArray[np.float64]


class Kept:
    """What the metric needs of the rows so far."""

    def __init__(self, metric: SpecLike, truth: NDArray[Any], width: int) -> None:
        """Make room.

        Args:
            metric: a registered name with its arguments.
            truth: of all rows of the split.
            width: number of classes, for metrics of the confusion matrix.
        """
        self._metric, self._truth, self._width = METRICS.check(metric), truth, width
        self._numbers: NDArray[Any] | None = None
        self._undefined = False

    def add(self, start: int, predictions: Floats, truth: NDArray[Any]) -> None:
        """Take in predictions [sample, column] of the rows from `start` on; after the first ones, several at once."""
        if self._undefined:
            return
        try:
            found = reduced(self._metric, predictions, truth)
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
        return self._numbers if reduction_of(self._metric) == "mean" and not self._undefined else None

    def value(self, weights: Floats | None) -> float | None:
        """Value of the metric on all rows; None where it is not defined on them."""
        if self._numbers is None or self._undefined:
            return None
        try:
            value = value_of_reduced(self._metric, self._numbers, self._truth, self._width, weights)
        except LREnsembleError:  # of a class without rows, say
            return None
        return value if np.isfinite(value) else None
