"""The interval of a share."""

from __future__ import annotations

import math

NORMAL_95 = 1.959963984540054
"""Quantile of the normal distribution that a two-sided 95 % interval needs."""


def wilson(share: float, rows: float) -> tuple[float, float]:
    """95 % interval of a share of so many rows (Wilson 1927)."""
    shrink = 1 + NORMAL_95**2 / rows
    centre = share + NORMAL_95**2 / (2 * rows)
    half = NORMAL_95 * math.sqrt(share * (1 - share) / rows + (NORMAL_95 / (2 * rows)) ** 2)
    return max(0.0, (centre - half) / shrink), min(1.0, (centre + half) / shrink)
