"""All that rows of which few are discordant may show, with chances: two classifiers by the rows that one gets right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lrensemble.metrics.significance import Comparison, mcnemar_mid_p, paired_proportions

Floats = NDArray[np.float64]


def rows_of(only_first: int, only_second: int, rows: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Correctness [sample] of two classifiers that differ in so many rows."""
    counts = (only_first, only_second, rows - only_first - only_second)
    return np.repeat([True, False, True], counts), np.repeat([False, True, True], counts)


@cache
def judged(only_first: int, only_second: int, rows: int) -> tuple[Comparison, float]:
    """The library's interval with exact p-value, and the mid-p value."""
    pair = rows_of(only_first, only_second, rows)
    return paired_proportions(*pair), mcnemar_mid_p(*pair)


@dataclass(frozen=True)
class Outcomes:
    """All that rows may show where so many of them are discordant, but for a chance of one in a million."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    chances: Floats
    gain: float


def outcomes(rows: int, discordant: float, share: float) -> Outcomes:
    """Numbers of rows that only one classifier gets right, with their probabilities."""
    up, down = discordant * (1 + share) / 2, discordant * (1 - share) / 2
    firsts = np.arange(int(stats.binom.isf(1e-7, rows, up)) + 2)
    seconds = np.arange(int(stats.binom.isf(1e-7, rows, down)) + 2)
    first, second = (axis.ravel() for axis in np.meshgrid(firsts, seconds))
    first, second = first[first + second <= rows], second[first + second <= rows]
    counts = np.stack([first, second, rows - first - second], axis=1)
    chances = np.asarray(stats.multinomial.pmf(counts, rows, [up, down, 1 - discordant]))
    kept = chances > 1e-10
    return Outcomes(first[kept], second[kept], chances[kept], up - down)


def tango(first: Floats, second: Floats, rows: int) -> tuple[Floats, Floats]:
    """Score interval of Tango (1998), by halving."""
    quantile, estimate = stats.norm.ppf(0.975), (first - second) / rows

    def statistic(gain: Floats) -> Floats:
        linear = -first - second + (2 * rows - first + second) * gain
        root = np.sqrt(np.maximum(linear**2 + 8 * rows * second * gain * (1 - gain), 0.0))
        nuisance = (root - linear) / (4 * rows)
        variance = rows * (2 * nuisance + gain * (1 - gain))
        return np.asarray((first - second - rows * gain) / np.sqrt(np.maximum(variance, 1e-300)))

    ends = []
    for sign in (-1.0, 1.0):
        inside, outside = estimate.copy(), np.full_like(estimate, sign)
        for _ in range(40):
            middle = (inside + outside) / 2
            held = np.abs(statistic(middle)) <= quantile
            inside, outside = np.where(held, middle, inside), np.where(held, outside, middle)
        ends.append(inside)
    return ends[0], ends[1]


def holds(low: Floats, truth: float, high: Floats) -> NDArray[np.bool_]:
    """Whether intervals hold the truth, ends included."""
    return (low <= truth + 1e-12) & (truth - 1e-12 <= high)
