"""A score on bootstrap resamples of the rows, by the shortest way that its metric allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import LREnsembleError
from lrensemble.metrics import METRICS, higher_is_better, row_values, score
from lrensemble.metrics.base import mean_over_rows
from lrensemble.numerics import likeliest
from lrensemble.select.scoring.resample import bootstrap_weights
from lrensemble.select.scoring.team_scores import counts_of
from lrensemble.select.validation import Floats, Validation
from lrensemble.spec import SpecLike

REPLICATES = 200
"""Enough for a standard error (Efron & Tibshirani 1993, sec. 6.4)."""

RESAMPLING_SEED = 0
"""The same for all methods, so that differences between them are of the same resamples."""


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """A score, and what is kept of the predictions to find it again on resamples."""

    score: float
    """Higher is better."""
    values: Floats | None = None
    """[sample] what it is the mean of, higher is better; None where it is no mean."""
    predicted: NDArray[np.int64] | None = None
    """[sample] the likeliest classes, where the score needs no more."""
    predictions: Floats | None = None
    """[sample, column] where the score needs all of them."""


class Kept:
    """What a metric needs of predictions that come some rows at a time: mostly one number a row."""

    def __init__(self, validation: Validation, metric: SpecLike) -> None:
        self._validation, self._metric = validation, METRICS.check(metric)
        facts, rows = METRICS.facts(self._metric), len(validation.truth)
        self._mean = facts.per_row is not None
        self._confusion = not self._mean and facts.of_confusion is not None
        self._numbers: NDArray[Any] = (
            np.zeros(rows)
            if self._mean
            else np.zeros(rows, dtype=np.int64)
            if self._confusion
            else np.zeros((rows, validation.shape[2]))
        )

    def add(self, rows: NDArray[np.int64] | slice, predictions: Floats) -> None:
        """Take in the predictions [sample, column] of some rows."""
        if self._mean:
            values = row_values(self._metric, predictions, self._validation.truth[rows])
            assert values is not None
            self.add_values(rows, values)
        else:
            self._numbers[rows] = likeliest(predictions) if self._confusion else predictions

    def add_values(self, rows: NDArray[np.int64] | slice, values: Floats) -> None:
        """Take in the metric's values [sample] of some rows, which it is the mean of."""
        self._numbers[rows] = values if higher_is_better(self._metric) else -values

    def judged(self) -> OutOfFold:
        """The score of all rows that count."""
        rows = self._validation.counted
        if self._mean:
            own = mean_over_rows(self._numbers[rows], counts_of(self._validation, rows))
            return OutOfFold(own, values=self._numbers)
        if self._confusion:
            own = _of_confusion(self._validation, self._validation.row_weights, self._numbers, self._metric)
            return OutOfFold(own, predicted=self._numbers)
        own = score(self._metric, self._numbers[rows], self._validation.truth[rows], counts_of(self._validation, rows))
        return OutOfFold(own, predictions=self._numbers)


def replicates_of(validation: Validation, judged: Sequence[OutOfFold], metric: SpecLike) -> tuple[float, ...]:
    """[resample] the mean over divisions of the score on each resample of the rows.

    Of a metric that needs all predictions, resamples show how far the first division moves, and the others are taken to
    move alike: each would cost the whole metric again.
    """
    generator = np.random.default_rng(RESAMPLING_SEED)
    draws = (bootstrap_weights(validation, generator) for _ in range(REPLICATES))
    first = judged[0]
    values = [each.values for each in judged if each.values is not None]
    if values:
        mean = np.mean(values, axis=0)
        return tuple(float(mean @ weights / weights.sum()) for weights in draws)
    if first.predictions is None:
        return tuple(
            math.fsum(
                _of_confusion(validation, weights, each.predicted, metric)
                for each in judged
                if each.predicted is not None
            )
            / len(judged)
            for weights in draws
        )
    shift = math.fsum(each.score for each in judged) / len(judged) - first.score
    return tuple(_of_rows(validation.weighted(weights), first.predictions, metric) + shift for weights in draws)


def _of_confusion(validation: Validation, weights: Floats, predicted: NDArray[np.int64], metric: SpecLike) -> float:
    """The score from the weighted confusion matrix of the likeliest classes [sample]."""
    spec = METRICS.check(metric)
    of_confusion = METRICS.facts(spec).of_confusion
    if of_confusion is None:
        return math.nan
    classes = int(validation.shape[2])
    cells = np.bincount(validation.truth * classes + predicted, weights=weights, minlength=classes**2)
    value = float(of_confusion(cells.reshape(classes, classes), **spec.arguments))
    return value if higher_is_better(spec) else -value


def _of_rows(validation: Validation, predictions: Floats, metric: SpecLike) -> float:
    """The score by the metric itself; NaN where it is not defined on these rows, as without a row of some class."""
    rows = validation.counted
    try:
        return score(metric, predictions[rows], validation.truth[rows], counts_of(validation, rows))
    except (LREnsembleError, ValueError):
        return math.nan
