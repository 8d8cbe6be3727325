"""Many comparisons on the same rows: p-values and intervals that hold for all rows of a table at once.

Single-step max-T (Westfall & Young 1993, ch. 2): a p-value is the probability that the largest of all statistics were
that large, with nothing to be found. How statistics go together is taken from the rows: by normal draws with the
correlations of the comparisons (Hothorn, Bretz & Westfall 2008), and for differences of correctness, which are
discrete, by swapping the two classifiers on whole rows at random, which gives each its exact p-value of McNemar.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lrensemble.metrics.significance.means import Comparison, Pivots, pivots
from lrensemble.metrics.significance.units import Floats, Groups, Units, units_of

RESAMPLES = 20_000
MOST_PATTERNS = 2_000
"""Up to so many different discordant rows are swapped; with more, the normal draws are as good."""


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
    signs = units.sums if units.correctness and units.plain else None
    found = pivots(units, scale)
    plain = found.p_values() if signs is None else exact_p_values(signs)
    if len(plain) == 1:
        return _records(found.values, *found.limits(confidence, limit), plain)
    generator = np.random.default_rng(seed)
    largest = _largest_normals(units, found, generator)
    patterns = None if signs is None else _patterns(signs)
    if patterns is None or patterns[0].shape[1] > MOST_PATTERNS:
        smallest = 2 * stats.norm.sf(largest)
    else:
        smallest = _smallest_by_swaps(*patterns, generator)
    reached = np.searchsorted(np.sort(smallest), plain * (1 + 1e-9), side="right")
    adjusted = np.clip((1 + reached) / (1 + RESAMPLES), plain, np.minimum(1.0, len(plain) * plain))
    joint = float(2 * stats.norm.cdf(np.quantile(largest, confidence)) - 1)
    lows, highs = found.limits(float(np.clip(joint, confidence, 1 - (1 - confidence) / len(plain))), limit)
    if fixed is not None:
        alone = found.limits(confidence, limit)
        adjusted[fixed], lows[fixed], highs[fixed] = plain[fixed], alone[0][fixed], alone[1][fixed]
    return _records(found.values, lows, highs, adjusted)


def _records(*columns: Floats) -> tuple[Comparison, ...]:
    return tuple(Comparison(*(float(cell) for cell in row)) for row in zip(*columns, strict=True))


def exact_p_values(signs: Floats) -> Floats:
    """[comparison] McNemar's exact p-values of differences of correctness [comparison, sample]."""
    discordant = np.abs(signs).sum(axis=1)
    return _exact(np.abs(signs.sum(axis=1)), discordant)


def _exact(unevenness: Floats, discordant: Floats) -> Floats:
    return np.asarray(np.minimum(1.0, 2 * stats.binom.sf((discordant + unevenness) / 2 - 1, discordant, 0.5)))


def _largest_normals(units: Units, found: Pivots, generator: np.random.Generator) -> Floats:
    """[draw] largest absolute values of normal statistics that correlate as the comparisons do."""
    residuals = units.sums - found.centres[:, None] * units.weights
    covariance = residuals @ residuals.T
    spread = np.sqrt(covariance.diagonal())
    spread = np.where(spread > 0, spread, 1.0)
    correlation = covariance / np.outer(spread, spread)
    np.fill_diagonal(correlation, 1.0)
    root = np.linalg.cholesky(correlation + 1e-9 * np.eye(len(correlation)))
    return np.asarray(np.abs(generator.standard_normal((RESAMPLES, len(root))) @ root.T).max(axis=1))


def _patterns(signs: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Different discordant rows, up to their sign: [comparison, pattern], and how often each occurs [pattern]."""
    rows = signs[:, signs.any(axis=0)]
    if rows.shape[1] == 0:
        return rows, np.zeros(0, dtype=np.int64)
    first = rows[(rows != 0).argmax(axis=0), np.arange(rows.shape[1])]
    found, counts = np.unique(rows * first, axis=1, return_counts=True)
    return found, counts


def _smallest_by_swaps(patterns: Floats, counts: NDArray[np.int64], generator: np.random.Generator) -> Floats:
    """[draw] smallest of the exact p-values, with the two classifiers of every row swapped at random."""
    discordant = np.abs(patterns) @ counts
    tables = [_exact(np.arange(int(n) + 1.0), np.full(int(n) + 1, n)) for n in discordant]
    smallest = np.ones(RESAMPLES)
    step = max(1, 2_000_000 // max(1, len(counts)))
    for start in range(0, RESAMPLES, step):
        part = slice(start, min(start + step, RESAMPLES))
        swapped = 2 * generator.binomial(counts, 0.5, size=(part.stop - part.start, len(counts))) - counts
        sums = np.abs(swapped @ patterns.T).astype(np.int64)
        for table, column in zip(tables, sums.T, strict=True):
            np.minimum(smallest[part], table[column], out=smallest[part])
    return smallest
