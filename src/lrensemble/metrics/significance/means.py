"""Interval and p-value of a mean of paired differences, where rows are few or differences rare and skewed.

Two pseudo rows are added, one in favour of each classifier, as large as the largest difference seen and at least as
large as `scale`; then Student's interval is taken. For correctness, where one row is worth 1, this is the interval of
Bonett & Price (2012, "Adjusted Wald confidence interval for a difference of binomial proportions based on paired data")
with Student's quantile for the normal one. For losses the pseudo rows stand for the rare large loss that few rows have
not shown yet, which neither a bootstrap nor an Edgeworth correction can know of, and the degrees of freedom are those
of the estimated variance (Satterthwaite 1946): fewer, where few rows bear most of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.metrics.significance.mcnemar import mcnemar_exact
from lrensemble.metrics.significance.units import Floats, Groups, Units, units_of

CONFIDENT_MISTAKE = float(-np.log(0.01))
"""Nats that a row costs where the label was given one per cent, or a value is missed by three standard deviations: the
`scale` of differences of NLL."""


@dataclass(frozen=True)
class Interval:
    """A mean difference with its confidence interval, in the unit of the differences."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison(Interval):
    """An interval and the two-sided p-value of no difference."""

    p_value: float


@dataclass(frozen=True)
class Pivots:
    """(centre - true difference) / error follows about Student's distribution; one entry for each comparison."""

    values: Floats
    centres: Floats
    errors: Floats
    freedom: Floats

    def limits(self, confidence: float, limit: float = np.inf) -> tuple[Floats, Floats]:
        """Low and high ends [comparison] of the intervals, within -limit and limit; they hold the values."""
        half = scipy.special.stdtrit(self.freedom, (1 + confidence) / 2) * self.errors
        low, high = np.minimum(self.centres - half, self.values), np.maximum(self.centres + half, self.values)
        return np.maximum(low, -limit), np.minimum(high, limit)

    def p_values(self) -> Floats:
        """Two-sided p-values [comparison] of no difference: below 1 - confidence where the interval excludes zero."""
        ratios = np.divide(self.centres, self.errors, out=np.zeros_like(self.centres), where=self.errors > 0)
        return np.asarray(2 * scipy.special.stdtr(self.freedom, -np.abs(ratios)))


def pivots(units: Units, scale: float) -> Pivots:
    """Add the pseudo rows.

    With S_u and W_u the sum and weight of a unit, w the weight of a pseudo row, W = Σ W_u + 2 w, r its reach and N the
    number of units with the pseudo rows: centre = Σ S_u / W, residuals e = S_u - centre W_u and ±r - centre w,
    error² = Σ e² / W², degrees of freedom 2 / (Σ e⁴ / (Σ e²)² - 1 / N), which is 2 N / (kurtosis - 1).

    A group that outweighs the others draws the centre to itself, and its residual is too small: e² is divided by
    (1 - W_u / W) / (1 - 1 / N) where that is below 1, after Bell & McCaffrey (2002, "Bias reduction in standard errors
    for linear regression with multi-stage samples"), who divide by 1 - W_u / W.
    """
    total = units.weights.sum() + 2 * units.pseudo
    centres = units.sums.sum(axis=1) / total
    reaches = np.maximum(units.largest, scale * units.pseudo)
    squares = np.square(units.sums - centres[:, None] * units.weights)
    if units.grouped:
        equal = 1 - 1 / (np.count_nonzero(units.weights) + 2)
        squares *= np.maximum(1.0, equal / (1 - units.weights / total[:, None]))
    of_pseudo = np.square(reaches - [[-1.0], [1.0]] * (centres * units.pseudo))
    variances = squares.sum(axis=1) + of_pseudo.sum(axis=0)
    freedom = np.full(len(centres), units.freedom)
    if not units.correctness:
        fourths = np.square(squares).sum(axis=1) + np.square(of_pseudo).sum(axis=0)
        share = np.divide(fourths, variances**2, out=np.zeros_like(fourths), where=variances > 0)
        freedom = np.minimum(freedom, 2 / np.maximum(share - 1 / (np.count_nonzero(units.weights) + 2), 1e-12))
    # Without any difference and without a scale nothing is known of the spread: the interval has no width.
    return Pivots(units.values, centres, np.sqrt(variances) / total, np.maximum(freedom, 1.0))


def paired_means(
    differences: NDArray[np.floating],
    weights: Floats | None = None,
    groups: Groups | None = None,
    *,
    scale: float = 0.0,
    confidence: float = 0.95,
) -> Comparison:
    """Mean of paired differences with interval and p-value, from one pivot: both say the same.

    Args:
        differences: [sample] of what one classifier has over the other on each row.
        weights: [sample] what each row counts; once each where not given.
        groups: [sample] of any kind; rows of one group are not independent (the error is robust to clusters).
        scale: what a single unlucky row can cost, in the unit of the differences: 1 for correctness,
            `CONFIDENT_MISTAKE` for NLL. With 0, only what the rows have shown.
        confidence: that the interval holds the true mean.

    Raises:
        PredictionsError: no rows, NaN, or weights or groups that do not fit.
    """
    found = pivots(units_of(np.asarray(differences)[None], weights, groups), scale)
    low, high = found.limits(confidence)
    return Comparison(float(found.values[0]), float(low[0]), float(high[0]), float(found.p_values()[0]))


def paired_proportions(
    correct: NDArray[np.bool_],
    reference: NDArray[np.bool_],
    weights: Floats | None = None,
    groups: Groups | None = None,
    *,
    confidence: float = 0.95,
) -> Comparison:
    """Difference of two accuracies on the same rows, with its interval (Bonett & Price 2012; never of no width).

    The p-value is that of McNemar's exact test; with weights or groups, for which there is none, that of the interval.

    Args:
        correct: [sample] rows that the one classifier gets right.
        reference: [sample] rows that the other gets right.
        weights: [sample] what each row counts; once each where not given.
        groups: [sample] of any kind; rows of one group are not independent.
        confidence: that the interval holds the true difference.

    Raises:
        PredictionsError: no rows, or weights or groups that do not fit.
    """
    first, second = np.asarray(correct, dtype=bool), np.asarray(reference, dtype=bool)
    if first.shape != second.shape:
        raise PredictionsError(f"{first.shape} rows are compared with {second.shape}; give the same rows of both")
    found = pivots(units_of((first.astype(np.float64) - second)[None], weights, groups), scale=1.0)
    low, high = found.limits(confidence, limit=1.0)
    p_value = mcnemar_exact(first, second) if weights is None and groups is None else float(found.p_values()[0])
    return Comparison(float(found.values[0]), float(low[0]), float(high[0]), p_value)
