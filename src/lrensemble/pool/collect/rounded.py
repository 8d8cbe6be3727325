"""Probabilities with few decimals: their rows are off one by what rounding leaves, and are normalised."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def normalised(probs: NDArray[Any]) -> tuple[NDArray[Any], float]:
    """Probabilities whose rows sum to one, and how far they were off; those that cannot be are left as they are.

    Args:
        probs: [sample, class].
    """
    if probs.min(initial=0) < 0:
        return probs, 0.0
    sums = probs.sum(axis=-1, dtype=np.float64)
    off = float(np.abs(sums - 1).max(initial=0))
    if not 0.9 * SUM_TOLERANCE < off <= rounded_by(probs):  # the rest is for float32 and for logarithms
        return probs, 0.0
    return probs / sums[:, None], off
