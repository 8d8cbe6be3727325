"""Errors of values: squared, absolute, the share of the variance that is explained, and the loss of quantiles.

Several outputs count alike: a value is the mean over outputs, of numbers that each has by itself. Predictions may go on
with a variance for each output, which none of these reads.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from lrensemble.metrics.base import METRICS, Floats, mean_over_rows

Share = Annotated[float, Field(gt=0, lt=1)]
"""A fraction that is neither nothing nor all."""


def errors(predictions: Floats, truth: Floats) -> Floats:
    """Predictions less truth [sample, output]."""
    return np.asarray(predictions[:, : truth.shape[1]] - truth, dtype=np.float64)


def squared(predictions: Floats, truth: Floats) -> Floats:
    """Squared errors [sample], mean over outputs."""
    return np.asarray(np.square(errors(predictions, truth)).mean(axis=1))


def absolute(predictions: Floats, truth: Floats) -> Floats:
    """Absolute errors [sample], mean over outputs."""
    return np.asarray(np.abs(errors(predictions, truth)).mean(axis=1))


def quantile_losses(predictions: Floats, truth: Floats, *, quantile: float = 0.5) -> Floats:
    """Losses [sample] of predictions as this quantile, mean over outputs."""
    above = errors(predictions, truth)
    return np.asarray(np.maximum(-quantile * above, (1 - quantile) * above).mean(axis=1))


def _roots(squares: Floats, variances: Floats) -> Floats:  # noqa: ARG001 – the error does not depend on them
    """RMSE [...] of mean squared errors [..., output]."""
    return np.asarray(np.sqrt(squares).mean(axis=-1))


def _explained(squares: Floats, variances: Floats) -> Floats:
    """Coefficients of determination [...] of mean squared errors [..., output]."""
    return np.asarray((1 - squares / variances).mean(axis=-1))


@METRICS.register(
    higher_is_better=False,
    targets=("values",),
    per_row=squared,
    quadratic=True,
    lowest=0.0,
    watched=True,
    aliases=("mean_squared_error",),
)
def mse(predictions: Floats, truth: Floats, weights: Floats | None = None) -> float:
    """Mean squared error, over rows and outputs. Lower is better.

    That of a mean of members is the mean of theirs less the mean square of their spread around it (Krogh & Vedelsby
    1995), and a quadratic form of their weights.

    Args:
        predictions: [sample, output] values.
        truth: [sample, output] values.
        weights: [sample] how often each row counts.
    """
    return mean_over_rows(squared(predictions, truth), weights)


@METRICS.register(
    higher_is_better=False,
    targets=("values",),
    of_squares=_roots,
    lowest=0.0,
    watched=True,
    aliases=("root_mean_squared_error",),
)
def rmse(predictions: Floats, truth: Floats, weights: Floats | None = None) -> float:
    """Root mean squared error in the unit of the values, mean over outputs (Hyndman & Koehler 2006). Lower is better.

    Args:
        predictions: [sample, output] values.
        truth: [sample, output] values.
        weights: [sample] how often each row counts.
    """
    return float(np.sqrt(_mean_of_outputs(np.square(errors(predictions, truth)), weights)).mean())


@METRICS.register(
    higher_is_better=False, targets=("values",), per_row=absolute, lowest=0.0, aliases=("mean_absolute_error",)
)
def mae(predictions: Floats, truth: Floats, weights: Floats | None = None) -> float:
    """Mean absolute error in the unit of the values, over rows and outputs (Willmott & Matsuura 2005). Lower is better.

    What is least by it is the median of what the truth may be.

    Args:
        predictions: [sample, output] values.
        truth: [sample, output] values.
        weights: [sample] how often each row counts.
    """
    return mean_over_rows(absolute(predictions, truth), weights)


@METRICS.register(higher_is_better=True, targets=("values",), of_squares=_explained, highest=1.0, aliases=("r2_score",))
def r2(predictions: Floats, truth: Floats, weights: Floats | None = None) -> float:
    """Coefficient of determination, 1 - squared errors / squared deviations of the truth (Wright 1921).

    Higher is better: 1 is perfect, 0 is as good as the mean of these very rows, and there is no lower end. Mean over
    outputs; of an output that does not vary, and so of one row, 1 where it is met exactly and 0 where it is not.

    Args:
        predictions: [sample, output] values.
        truth: [sample, output] values.
        weights: [sample] how often each row counts.
    """
    if weights is not None:
        predictions, truth, weights = (each[weights > 0] for each in (predictions, truth, weights))
    missed = _mean_of_outputs(np.square(errors(predictions, truth)), weights)
    deviations = _mean_of_outputs(np.square(truth - _mean_of_outputs(truth, weights)), weights)
    varies = truth.min(axis=0) < truth.max(axis=0)
    ratios = np.divide(missed, deviations, out=np.sign(missed), where=varies & (deviations > 0))
    return float((1 - ratios).mean())


@METRICS.register(
    higher_is_better=False,
    targets=("values",),
    per_row=quantile_losses,
    lowest=0.0,
    aliases=("mean_pinball_loss",),
    quantile=0.9,
)
def pinball(predictions: Floats, truth: Floats, weights: Floats | None = None, *, quantile: Share = 0.5) -> float:
    """Pinball loss of predictions as a quantile, over rows and outputs (Koenker & Bassett 1978). Lower is better.

    What is too low costs `quantile` of the error, what is too high the rest of it. Of the median it is half of `mae`.
    Predictions with a variance are read as their means.

    Args:
        predictions: [sample, output] values.
        truth: [sample, output] values.
        weights: [sample] how often each row counts.
        quantile: share of rows that are to lie below what is predicted.
    """
    return mean_over_rows(quantile_losses(predictions, truth, quantile=quantile), weights)


def _mean_of_outputs(values: Floats, weights: Floats | None) -> Floats:
    """Means [output] over rows of values [sample, output]."""
    return np.asarray(values.mean(axis=0) if weights is None else weights @ values / weights.sum())
