"""Correlation of ranks: `scipy.stats` has it too, and takes half a second of every report to be imported."""

from __future__ import annotations

import numpy as np

from lrensemble.report.parameters import Floats


def rank_correlation(one: Floats, other: Floats) -> float:
    """Rank correlation of two sequences, [n] each: Pearson's of their ranks (Spearman 1904), equal values sharing the
    mean of theirs. From -1 to 1; 0 where one of them is constant.
    """
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: Floats) -> Floats:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)  # rank of the last of those that are equal, from 1
    return (last - (counts - 1) / 2)[places]
