"""p-values of several tests, adjusted for their number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values that keep the level of one test for all of them together, whatever their dependence (Holm 1979).

    Args:
        p_values: of tests, in any order.

    Returns:
        As many, in the same order: the largest of (number of p-values left) × p up to it, at most 1.
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(1.0, stepped)
    return [float(each) for each in adjusted]
