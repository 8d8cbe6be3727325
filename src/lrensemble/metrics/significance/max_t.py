"""Many comparisons on the same rows: p-values and intervals that hold for all rows of a table at once.

Single-step max-T (Westfall & Young 1993, ch. 2): an adjusted p-value is the probability that the largest of all
statistics is that large where nothing is to be found. How the statistics go together is taken from the rows: they are
drawn from the normal distribution with the correlations of the comparisons (Hothorn, Bretz & Westfall 2008), which is
what resampling the rows amounts to. Each comparison enters with the p-value that it has alone, so that what holds for
few rows (McNemar's exact test) is kept.
"""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from lrensemble.metrics.significance.mcnemar import binomial_tail
from lrensemble.metrics.significance.means import Comparison, Pivots, pivots
from lrensemble.metrics.significance.units import Floats, Groups, Units, units_of

RESAMPLES = 20_000


def simultaneous(
    differences: NDArray[np.floating],
    weights: Floats | None = None,
    groups: Groups | None = None,
    *,
    scale: float = 0.0,
    limit: float = np.inf,
    fixed: int | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """Mean differences with p-values and intervals adjusted for their number.

    Args:
        differences: [comparison, sample] of what each classifier has over the reference on each row.
        weights: [sample] what each row counts; once each where not given.
        groups: [sample] of any kind; rows of one group are not independent.
        scale: what a single unlucky row can cost, as in `paired_means`; 1 for correctness.
        limit: no difference is larger.
        fixed: the comparison that was decided on before the rows were looked at: its p-value and interval stay as they
            are alone. The others are adjusted for all rows of the table, this one included.
        confidence: that all intervals hold at once.
        seed: of the draws.

    Returns:
        For each comparison: value, simultaneous interval, adjusted p-value. No adjusted p-value is below the plain one
        or above its Bonferroni bound.

    Raises:
        PredictionsError: no rows, NaN, or weights or groups that do not fit.
    """
    units = units_of(differences, weights, groups)
    return compare_all(units, scale=scale, limit=limit, fixed=fixed, confidence=confidence, seed=seed)


def compare_all(
    units: Units, *, scale: float, limit: float, fixed: int | None, confidence: float, seed: int
) -> tuple[Comparison, ...]:
    """`simultaneous` for rows that are summed into units already."""
    found = pivots(units, scale)
    plain = exact_p_values(units.sums) if units.correctness and units.plain else found.p_values()
    if len(plain) == 1:
        return _records(found.values, *found.limits(confidence, limit), plain)
    largest = _largest_normals(units, found, np.random.default_rng(seed))
    smallest = 2 * scipy.special.ndtr(-largest)
    reached = np.searchsorted(np.sort(smallest), plain * (1 + 1e-9), side="right")
    adjusted = np.clip((1 + reached) / (1 + RESAMPLES), plain, np.minimum(1.0, len(plain) * plain))
    joint = float(2 * scipy.special.ndtr(np.quantile(largest, confidence)) - 1)
    lows, highs = found.limits(float(np.clip(joint, confidence, 1 - (1 - confidence) / len(plain))), limit)
    if fixed is not None:
        alone = found.limits(confidence, limit)
        adjusted[fixed], lows[fixed], highs[fixed] = plain[fixed], alone[0][fixed], alone[1][fixed]
    return _records(found.values, lows, highs, adjusted)


def _records(*columns: Floats) -> tuple[Comparison, ...]:
    return tuple(Comparison(*(float(cell) for cell in row)) for row in zip(*columns, strict=True))


def exact_p_values(signs: Floats) -> Floats:
    """McNemar's exact p-values [comparison] of differences of correctness [comparison, sample]."""
    discordant = np.abs(signs).sum(axis=1)
    larger = (discordant + np.abs(signs.sum(axis=1))) / 2
    return np.asarray(np.minimum(1.0, 2 * binomial_tail(larger, discordant)))


def _largest_normals(units: Units, found: Pivots, generator: np.random.Generator) -> Floats:
    """Largest absolute values [draw] of normal statistics that correlate as the comparisons do.

    A comparison without any difference can find nothing, and does not count.
    """
    residuals = units.sums - found.centres[:, None] * units.weights
    covariance = residuals @ residuals.T
    spread = np.sqrt(covariance.diagonal())
    differ = spread > 0
    correlation = covariance / np.outer(np.where(differ, spread, 1.0), np.where(differ, spread, 1.0))
    np.fill_diagonal(correlation, 1.0)
    root = np.linalg.cholesky(correlation + 1e-9 * np.eye(len(correlation)))
    draws = generator.standard_normal((RESAMPLES, len(root))) @ root.T
    return np.asarray(np.abs(draws * differ).max(axis=1))
