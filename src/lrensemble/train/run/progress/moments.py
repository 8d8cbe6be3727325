"""Mean and variance of rates and gradient norms over the steps of several members, kept as the steps go by."""

from __future__ import annotations

import math

from lrensemble.pool import StepStatistics

Saved = tuple[tuple[float, ...], ...]
"""[7, member] as it is written to a file: the count, three means and three sums of squares."""


class Moments:
    """Moments of rate, norm of the gradient and their product, in float64 and one pass (Welford 1962).

    A step whose norm is not finite is left out: one that diverges, or that the scaling of float16 has skipped.
    """

    def __init__(self, members: int, saved: Saved = ()) -> None:
        self._values = [list(row) for row in saved] if saved else [[0.0] * members for _ in range(7)]
        self._counts, self._means, self._squares = self._values[0], self._values[1:4], self._values[4:]

    def add(self, member: int, rate: float, norm: float) -> None:
        """Take note of one step of a member.

        Plain numbers, not arrays: at every step of one small network, arrays of one number cost more than the sums.

        Args:
            member: its place.
            rate: of the step.
            norm: L2 norm of the whole gradient.
        """
        if not (math.isfinite(rate) and math.isfinite(norm)):
            return
        self._counts[member] += 1
        count = self._counts[member]
        for value, mean, square in zip((rate, norm, rate * norm), self._means, self._squares, strict=True):
            change = value - mean[member]
            mean[member] += change / count
            square[member] += change * (value - mean[member])

    def saved(self) -> Saved:
        """All of it, for a file."""
        return tuple(tuple(row) for row in self._values)

    def statistics(self, member: int) -> StepStatistics | None:
        """Mean and variance over the steps of one member; None before its first step."""
        count, rate, norm, length, *squares = values = [row[member] for row in self._values]
        if not count or not all(map(math.isfinite, values)):
            return None
        rate_variance, norm_variance, length_variance = (value / count for value in squares)
        return StepStatistics(
            count=int(count),
            rate_mean=rate,
            rate_variance=rate_variance,
            norm_mean=norm,
            norm_variance=norm_variance,
            length_mean=length,
            length_variance=length_variance,
        )
