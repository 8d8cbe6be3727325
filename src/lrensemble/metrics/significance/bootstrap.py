"""The percentile bootstrap, which does not hold its level with few rows: to be deleted once `evaluate` has changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.metrics.significance.means import Interval

RESAMPLES = 10_000


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
