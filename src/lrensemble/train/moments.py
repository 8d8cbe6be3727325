"""Mean and variance of rates and gradient norms over the steps of several members, kept as the steps go by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.pool import StepStatistics

Saved = tuple[tuple[float, ...], ...]
"""[7, member] as it is written to a file: the count, three means and three sums of squares."""


class Moments:
    """Of rate, norm of the gradient and their product, in float64 and one pass (Welford 1962).

    A step whose norm is not finite is left out: one that diverges, or that the scaling of float16 has skipped.
    """

    def __init__(self, members: int, saved: Saved = ()) -> None:
        self._values = np.array(saved, dtype=np.float64) if saved else np.zeros((7, members))

    def add(self, rates: NDArray[np.float64], norms: NDArray[np.float64]) -> None:
        """Take note of one step.

        Args:
            rates: [member]
            norms: [member] L2 norm of the whole gradient.
        """
        counts, means, squares = self._values[0], self._values[1:4], self._values[4:]
        finite = np.isfinite(norms) & np.isfinite(rates)
        with np.errstate(invalid="ignore", over="ignore"):
            values = np.where(finite, np.stack([rates, norms, rates * norms]), means)
            counts += finite
            change = values - means
            means += change / np.maximum(counts, 1)
            squares += change * (values - means)

    def saved(self) -> Saved:
        """All of it, for a file."""
        return tuple(tuple(row) for row in self._values.tolist())

    def statistics(self, member: int) -> StepStatistics | None:
        """Of one member; None before its first step."""
        count, rate, norm, length, *squares = self._values[:, member].tolist()
        if not count or not np.isfinite(self._values[:, member]).all():
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
