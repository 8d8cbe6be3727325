"""Measures of predicted normal distributions: a mean and a variance for each output.

CRPS and NLL judge; the coverage of central intervals and their width describe (Gneiting, Balabdaoui & Raftery 2007).
Several outputs count alike, as in `lrensemble.metrics.values`. A variance of zero is a sure prediction.
"""

from __future__ import annotations

import numpy as np
import scipy

from lrensemble.errors import PredictionsError
from lrensemble.metrics.base import METRICS, Floats, mean_over_rows
from lrensemble.metrics.values import Share, errors

SMALLEST_VARIANCE = 1e-30
"""Variance that a smaller one counts as in a logarithm and as a divisor."""


def variances(predictions: Floats, truth: Floats) -> Floats:
    """Variances [sample, output], which follow the means.

    Raises:
        PredictionsError: there are not as many as outputs.
    """
    outputs = truth.shape[1]
    if predictions.shape[1] != 2 * outputs:
        raise PredictionsError(
            f"predictions have {predictions.shape[1]} columns for {outputs} outputs; give {2 * outputs}: "
            "the mean of each output and then the variance of each"
        )
    return np.asarray(predictions[:, outputs:], dtype=np.float64)


def ranked_probability_scores(predictions: Floats, truth: Floats) -> Floats:
    """Continuous ranked probability scores [sample], mean over outputs."""
    deviation = np.sqrt(variances(predictions, truth))
    below = -errors(predictions, truth)
    standard = np.divide(below, deviation, out=np.copysign(np.inf, below), where=deviation > 0)
    density = np.exp(-np.square(standard) / 2) / np.sqrt(2 * np.pi)
    scores = below * (2 * scipy.special.ndtr(standard) - 1) + deviation * (2 * density - 1 / np.sqrt(np.pi))
    return np.asarray(scores.mean(axis=1))


def normal_log_losses(predictions: Floats, truth: Floats) -> Floats:
    """Losses [sample], -ln of the density at the truth, mean over outputs."""
    variance = np.maximum(variances(predictions, truth), SMALLEST_VARIANCE)
    losses = np.log(2 * np.pi * variance) + np.square(errors(predictions, truth)) / variance
    return np.asarray(losses.mean(axis=1) / 2)


def within_interval(predictions: Floats, truth: Floats, *, level: float = 0.9) -> Floats:
    """Share of outputs [sample] that lie in their central interval, its ends included."""
    half = half_widths(predictions, truth, level)
    return np.asarray((np.abs(errors(predictions, truth)) <= half).mean(axis=1))


def widths(predictions: Floats, truth: Floats, *, level: float = 0.9) -> Floats:
    """Widths [sample] of central intervals, mean over outputs."""
    return np.asarray(2 * half_widths(predictions, truth, level).mean(axis=1))


def half_widths(predictions: Floats, truth: Floats, level: float) -> Floats:
    """Half widths [sample, output] of the central intervals that hold this share of the normal distribution."""
    return np.asarray(scipy.special.ndtri((1 + level) / 2) * np.sqrt(variances(predictions, truth)))


@METRICS.register(
    higher_is_better=False, targets=("values",), needs="distribution", per_row=ranked_probability_scores, lowest=0.0
)
def crps(predictions: Floats, truth: Floats, weights: Floats | None = None) -> float:
    """Continuous ranked probability score of normal distributions (Gneiting & Raftery 2007, sec. 4.2). Lower is better.

    The squared distance of the predicted distribution function from that of the truth, in the unit of the values: with
    z = (y - μ) / σ it is σ (z (2 Φ(z) - 1) + 2 φ(z) - 1/√π). Of a sure prediction, the absolute error. Mean over rows
    and outputs.

    Args:
        predictions: [sample, 2 · output] means and then variances.
        truth: [sample, output] values.
        weights: [sample] how often each row counts.

    Raises:
        PredictionsError: predictions without variances.
    """
    return mean_over_rows(ranked_probability_scores(predictions, truth), weights)


@METRICS.register(
    higher_is_better=False,
    targets=("values",),
    needs="distribution",
    per_row=normal_log_losses,
    unit="nats",
    watched=True,
)
def gaussian_nll(predictions: Floats, truth: Floats, weights: Floats | None = None) -> float:
    """Negative log-likelihood in nats of normal distributions, (ln 2πσ² + (y - μ)²/σ²) / 2 (Nix & Weigend 1994).

    Lower is better. Mean over rows and outputs. It depends on the unit of the values, but differences do not. Variances
    below 1e-30 count as that.

    Args:
        predictions: [sample, 2 · output] means and then variances.
        truth: [sample, output] values.
        weights: [sample] how often each row counts.

    Raises:
        PredictionsError: predictions without variances.
    """
    return mean_over_rows(normal_log_losses(predictions, truth), weights)


@METRICS.register(
    higher_is_better=True,
    targets=("values",),
    needs="distribution",
    aim=False,
    per_row=within_interval,
    lowest=0.0,
    highest=1.0,
    unit="fraction",
    level=0.9,
)
def coverage(predictions: Floats, truth: Floats, weights: Floats | None = None, *, level: Share = 0.9) -> float:
    """Fraction of truths within their central normal interval, ends included (Gneiting et al. 2007).

    It is to be near the level, and no team is chosen by it: intervals without end hold everything.

    Args:
        predictions: [sample, 2 · output] means and then variances.
        truth: [sample, output] values.
        weights: [sample] how often each row counts.
        level: share of the distribution that the interval holds.

    Raises:
        PredictionsError: predictions without variances.
    """
    return mean_over_rows(within_interval(predictions, truth, level=level), weights)


@METRICS.register(
    higher_is_better=False,
    targets=("values",),
    needs="distribution",
    aim=False,
    per_row=widths,
    lowest=0.0,
    level=0.9,
)
def interval_width(predictions: Floats, truth: Floats, weights: Floats | None = None, *, level: Share = 0.9) -> float:
    """Mean width of central normal intervals, in the unit of the values (Gneiting et al. 2007).

    Of predictions with the same coverage the narrower is better; no team is chosen by width alone.

    Args:
        predictions: [sample, 2 · output] means and then variances.
        truth: [sample, output] values.
        weights: [sample] how often each row counts.
        level: share of the distribution that the interval holds.

    Raises:
        PredictionsError: predictions without variances.
    """
    return mean_over_rows(widths(predictions, truth, level=level), weights)
