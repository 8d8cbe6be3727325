"""Is the difference between two classifiers on the same rows real? Paired interval and exact test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """A mean difference with its 95 % confidence interval, in the unit of the differences."""

    value: float
    low: float
    high: float


def paired_bootstrap(differences: NDArray[np.floating], *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Mean of paired differences with its percentile bootstrap interval of 95 % (Efron & Tibshirani 1993, ch. 13).

    Rows are resampled with replacement. Where the differences take few values, as those of correctness do, the rows of
    one value are drawn together, as a multinomial count: the same distribution, whatever the number of rows.

    Args:
        differences: [sample] of what one classifier has over the other on each row.
        seed: of the resampling.
        resamples: how many.
    """
    differences = np.asarray(differences, dtype=np.float64)
    generator = np.random.default_rng(seed)
    rows = len(differences)
    values, counts = np.unique(differences, return_counts=True)
    if len(values) <= 8:
        means = generator.multinomial(rows, counts / rows, size=resamples) @ values / rows
    else:
        means = np.array([differences[generator.integers(rows, size=rows)].mean() for _ in range(resamples)])
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(differences.mean()), float(low), float(high))


def mcnemar_exact(correct: NDArray[np.bool_], reference: NDArray[np.bool_]) -> float:
    """Two-sided exact p-value of McNemar's test (McNemar 1947; exact form: binomial on the discordant rows).

    Args:
        correct: [sample] rows that the one classifier gets right.
        reference: [sample] rows that the other gets right.

    Returns:
        Probability of a split of the discordant rows at least as uneven, were both equally good; 1.0 where none differ.
    """
    only_first = int(np.sum(correct & ~reference))
    only_second = int(np.sum(~correct & reference))
    if only_first + only_second == 0:
        return 1.0
    return float(stats.binomtest(only_first, only_first + only_second).pvalue)
