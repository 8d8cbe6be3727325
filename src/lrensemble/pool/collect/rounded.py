"""Probabilities with few decimals: their rows are off one by what rounding leaves, and are normalised."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.pool.collect.members import Said
from lrensemble.targets.checks import SUM_TOLERANCE

OFF = 0.02
"""Largest difference of a row's sum from 1 that is normalised whatever the decimals."""
MOST_OFF = 0.1
"""Largest one that is put down to rounding of many classes."""


def rounded_by(rows: NDArray[Any]) -> float:
    """Largest difference of a row's sum from 1 that its rounding explains.

    Numbers of d decimals are each off by half of 10^-d at most: C of them by C / 2 · 10^-d.

    Args:
        rows: [sample, class].
    """
    some = rows[:1000].astype(np.float64)
    for decimals in range(1, 7):
        if np.abs(some * 10**decimals - np.round(some * 10**decimals)).max(initial=0) < 1e-3 / 10 ** (6 - decimals):
            return float(max(OFF, min(MOST_OFF, some.shape[1] / 2 * 10.0**-decimals))) + 1e-9
    return OFF


def sums_of_rounded(said: Said) -> tuple[NDArray[np.float64] | None, float]:
    """Sums [sample] of rows of rounded probabilities, and how far they are off one at most.

    None, and zero, where rows sum to one, or where what they are off is no rounding.
    """
    sums, first = np.empty(len(said)), None
    for start, rows in said.blocks("", np.arange(len(said))):
        if rows.min(initial=0) < 0:
            return None, 0.0
        if not np.isfinite(rows).all():  # which is refused as such
            return None, 0.0
        sums[start : start + len(rows)] = rows.sum(axis=-1, dtype=np.float64)
        first = rows if first is None else first
    off = float(np.abs(sums - 1).max(initial=0))
    if first is None or not 0.9 * SUM_TOLERANCE < off <= rounded_by(first):  # the rest is for float32 and logarithms
        return None, 0.0
    return sums, off
