"""A score on bootstrap resamples of the rows, by the shortest way that its metric allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import LREnsembleError
from lrensemble.metrics import METRICS, higher_is_better, row_values, score
from lrensemble.numerics import likeliest
from lrensemble.select.base import Floats, Validation
from lrensemble.select.scoring.resample import bootstrap_weights
from lrensemble.select.scoring.team_scores import counts_of
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
    values: Floats | None
    """[sample] what it is the mean of, higher is better; None where it is no mean."""
    predictions: Floats | None
    """[sample, class] where the score needs all of them; None otherwise."""
    predicted: NDArray[np.int64]
    """[sample] the likeliest classes."""

    @classmethod
    def of(cls, validation: Validation, predictions: Floats, metric: SpecLike) -> Self:
        """Judge predictions [sample, class] on the rows that count."""
        rows = validation.counted
        own = score(metric, predictions[rows], validation.labels[rows], counts_of(validation, rows))
        predicted = likeliest(predictions)
        found = row_values(metric, predictions[rows], validation.labels[rows])
        if found is None:
            of_classes = METRICS.facts(metric).of_confusion is not None
            return cls(own, None, None if of_classes else predictions, predicted)
        values = np.zeros(len(predictions))
        values[rows] = found if higher_is_better(metric) else -found
        return cls(own, values, None, predicted)


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
            math.fsum(_of_confusion(validation, weights, each.predicted, metric) for each in judged) / len(judged)
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
    classes = int(validation.log_probs.shape[2])
    cells = np.bincount(validation.labels * classes + predicted, weights=weights, minlength=classes**2)
    value = float(of_confusion(cells.reshape(classes, classes), **spec.arguments))
    return value if higher_is_better(spec) else -value


def _of_rows(validation: Validation, predictions: Floats, metric: SpecLike) -> float:
    """The score by the metric itself; NaN where it is not defined on these rows, as without a row of some class."""
    rows = validation.counted
    try:
        return score(metric, predictions[rows], validation.labels[rows], counts_of(validation, rows))
    except (LREnsembleError, ValueError):
        return math.nan
