"""A score on bootstrap resamples of the rows, by the shortest way that its metric allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import LREnsembleError
from lrensemble.metrics import METRICS, higher_is_better
from lrensemble.metrics.reduction import reduced, reduction_of, value_of_reduced
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
    numbers: NDArray[Any]
    """[sample, …] what the metric needs of each row; zeros of rows that do not count."""


class Kept:
    """What a metric needs of the predictions of each row."""

    def __init__(self, validation: Validation, metric: SpecLike) -> None:
        self._validation, self._metric = validation, METRICS.check(metric)
        self._numbers: NDArray[Any] = np.zeros(0)

    def add(self, rows: NDArray[np.int64] | slice, predictions: Floats) -> None:
        """Take in the predictions [sample, column] of some rows."""
        self.add_reduced(rows, reduced(self._metric, predictions, self._validation.truth[rows]))

    def add_reduced(self, rows: NDArray[np.int64] | slice, numbers: NDArray[Any]) -> None:
        """Take in what the metric needs of some rows [sample, …]: of one that is a mean over rows, their values."""
        if not len(self._numbers):
            self._numbers = np.zeros((len(self._validation.truth), *numbers.shape[1:]), numbers.dtype)
        self._numbers[rows] = numbers

    def judged(self) -> OutOfFold:
        """The score of all rows that count."""
        return OutOfFold(_score(self._validation, self._metric, self._numbers), self._numbers)


def replicates_of(validation: Validation, judged: Sequence[OutOfFold], metric: SpecLike) -> tuple[float, ...]:
    """[resample] the mean over divisions of the score on each resample of the rows; NaN where it is not defined.

    Of a metric that needs all predictions, resamples show how far the first division moves, and the others are taken to
    move alike: each would cost the whole metric again.
    """
    generator = np.random.default_rng(RESAMPLING_SEED)
    draws = (bootstrap_weights(validation, generator) for _ in range(REPLICATES))
    way = reduction_of(metric)
    if way == "mean":
        mean = np.mean([each.numbers for each in judged], axis=0) * (1 if higher_is_better(metric) else -1)
        return tuple(float(mean @ weights / weights.sum()) for weights in draws)
    seen, shift = judged, 0.0
    if way == "whole":
        seen, shift = judged[:1], math.fsum(each.score for each in judged) / len(judged) - judged[0].score
    return tuple(
        math.fsum(_score_or_nan(view, metric, each.numbers) for each in seen) / len(seen) + shift
        for view in (validation.weighted(weights) for weights in draws)
    )


def _score(validation: Validation, metric: SpecLike, numbers: NDArray[Any]) -> float:
    """The score of the rows that count, from what the metric needs of each [sample, …]."""
    rows, width = validation.counted, int(validation.shape[2])
    value = value_of_reduced(metric, numbers[rows], validation.truth[rows], width, counts_of(validation, rows))
    return value if higher_is_better(metric) else -value


def _score_or_nan(validation: Validation, metric: SpecLike, numbers: NDArray[Any]) -> float:
    """The score; NaN where it is not defined on these rows, as without a row of some class."""
    try:
        return _score(validation, metric, numbers)
    except (LREnsembleError, ValueError):
        return math.nan
