"""Scores of many mixtures of normal distributions at once: a mixture is known by two weighted sums for every row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lrensemble.metrics import METRICS, higher_is_better, row_values
from lrensemble.select.validation import Validation
from lrensemble.spec import Spec

Floats = NDArray[np.float64]

MIXTURE = Spec("mixture")

BLOCK_BYTES = 16 * 2**20


def mixture_scorer(validation: Validation, metric: Spec) -> Callable[[Floats], Floats] | None:
    """From weights [team, member] to scores [team] under `mixture`; None of a metric that is no mean over rows.

    With μ and σ² of members, a mixture has mean Σ w μ and variance Σ w (σ² + μ²) - (Σ w μ)². Means are taken from those
    of all members, so that the difference of squares loses nothing.
    """
    if METRICS.facts(metric).per_row is None:
        return None
    rows = validation.counted
    said = validation.predictions_of(range(validation.members), rows)
    truth = validation.truth[rows]
    times = validation.row_weights[rows]
    outputs = truth.shape[1]
    centre = said[:, :, :outputs].mean(axis=0)
    means = (said[:, :, :outputs] - centre).reshape(len(said), -1)
    moments = said[:, :, outputs:].reshape(len(said), -1) + np.square(means)
    block = max(1, BLOCK_BYTES // (16 * means.shape[1]))
    sign = 1.0 if higher_is_better(metric) else -1.0

    def scorer(weights: Floats) -> Floats:
        scores = np.empty(len(weights))
        for start in range(0, len(weights), block):
            part = weights[start : start + block]
            shares = part / part.sum(axis=1, keepdims=True)
            mean = shares @ means
            variance = (shares @ moments - np.square(mean)).reshape(-1, outputs)
            mixtures = np.concatenate([mean.reshape(-1, outputs) + np.tile(centre, (len(part), 1)), variance], axis=1)
            values = row_values(metric, mixtures, np.tile(truth, (len(part), 1)))
            assert values is not None
            scores[start : start + block] = sign * (values.reshape(len(part), -1) @ times) / times.sum()
        return scores

    return scorer
