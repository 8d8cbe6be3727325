"""Metrics of the outputs' mean squared errors, RMSE and R², of many teams at once: predictions are read once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lrensemble.metrics import METRICS
from lrensemble.select.scoring.kernels.statistics import output_grams
from lrensemble.select.validation import Validation
from lrensemble.spec import Spec

Floats = NDArray[np.float64]


def squares_scorer(validation: Validation, metric: Spec) -> Callable[[Floats], Floats] | None:
    """What scores teams whose values are averaged, weights [team, member] to [team], higher is better.

    The squared error of an average is wᵀGw in each output, with the members' Gram matrix G of errors, as that of the
    mean squared error is over all outputs.

    None for other metrics, and where an output does not vary: there R² asks whether it is met exactly, which a sum of
    products does not tell.
    """
    facts = METRICS.facts(metric)
    if facts.of_squares is None or validation.of_classes:
        return None
    rows = validation.counted
    truth, times = np.asarray(validation.truth[rows], dtype=np.float64), validation.row_weights[rows]
    deviations = np.square(truth - times @ truth / times.sum())
    variances = times @ deviations / times.sum()
    if not ((truth.min(axis=0) < truth.max(axis=0)) & (variances > 0)).all():
        return None
    grams, value, sign = output_grams(validation), facts.of_squares, 1 if facts.higher_is_better else -1

    def scorer(weights: Floats) -> Floats:
        normalised = weights / weights.sum(axis=1, keepdims=True)
        squares = ((normalised @ grams) * normalised).sum(axis=2)  # [output, team]
        return sign * value(np.maximum(squares.T, 0), variances)  # a sum of products may round below zero

    return scorer
