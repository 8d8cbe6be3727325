"""The log-likelihood of a team with each candidate added, under the mean of probabilities or of votes.

Only what each member gives the label matters. Rows of the same weight are multiplied in groups that stay in the range
of float64, all candidates side by side, and one logarithm is taken for a group and candidate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrensemble.numerics import SMALLEST_PROBABILITY
from lrensemble.select.scoring.kernels.exhaustive.nll import RANGE_BITS
from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span

Floats = NDArray[np.float64]

PARTS = 16
"""Parts that the rows are cut into for the cores."""

SMALL = 2**16
"""Below so many numbers, a logarithm of each costs no more than the kernel, which would have to be compiled."""

SERIAL = 2**20
"""Below so many numbers, waking the other cores costs more than it saves."""


@dataclass(frozen=True, eq=False)
class NllTeam:
    """Scored by the mean log-likelihood, the NLL negated."""

    of_label: Floats
    """[sample, member], rows of the same weight together, and of those the lowest value first."""
    weights: Floats
    """[sample] how often each row counts."""
    total: float
    """All rows, as often as they count."""
    sums: Floats
    """[sample] of the team."""
    size: int
    """Members of the team, as often as they count."""

    def scores(self, candidates: NDArray[np.int64]) -> Floats:
        """[candidate] the mean log-likelihood of the team with each candidate added."""
        totals = self._sums_of_logs()(self.of_label, self.weights, self.sums, self.size)
        return np.asarray(totals[candidates] / self.total - np.log(self.size + 1))

    def _sums_of_logs(self) -> Callable[[Floats, Floats, Floats, int], Floats]:
        """What adds fastest for so many numbers."""
        if self.of_label.size < SMALL:
            return _logs
        return _log_products if self.of_label.size < SERIAL else _log_products_on_all_cores

    def added(self, member: int) -> NllTeam:
        """The team with one member more."""
        return NllTeam(self.of_label, self.weights, self.total, self.sums + self.of_label[:, member], self.size + 1)


def nll_team(of_label: Floats, weights: Floats) -> NllTeam:
    """The empty team, from what each member gives the label, [member, sample], and how often rows count [sample]."""
    order = np.lexsort((of_label.min(axis=0), weights))
    return NllTeam(
        np.ascontiguousarray(of_label.T[order]), weights[order], float(weights[order].sum()), np.zeros(len(order)), 0
    )


def _logs(of_label: Floats, weights: Floats, sums: Floats, size: int) -> Floats:
    """[member] as `_log_products`, by the formula as it stands."""
    means = of_label + sums[:, None]
    np.maximum(means, SMALLEST_PROBABILITY * (size + 1), out=means)
    return np.asarray(weights @ np.log(means, out=means))


@compiled_parallel
def _log_products_on_all_cores(of_label: Floats, weights: Floats, sums: Floats, size: int) -> Floats:
    """[member] as `_log_products`."""
    rows, members = of_label.shape
    totals = np.empty((PARTS, members))
    for part in span(PARTS):
        start, stop = part * rows // PARTS, (part + 1) * rows // PARTS
        totals[part] = _log_products(of_label[start:stop], weights[start:stop], sums[start:stop], size)
    total: Floats = totals.sum(axis=0)
    return total


@compiled
def _log_products(of_label: Floats, weights: Floats, sums: Floats, size: int) -> Floats:
    """[member] the weighted sum over rows of the log of the team's sum with each member added, its mean clipped."""
    rows, members = of_label.shape
    totals, products, bits, weight = np.zeros(members), np.ones(members), 0.0, 1.0
    least = SMALLEST_PROBABILITY * (size + 1)
    for row in range(rows):
        lowest = sums[row] + of_label[row].min()
        needed = max(-np.log2(max(lowest, least)), np.log2(size + 1.0) + 0.01)
        if bits + needed > RANGE_BITS or weights[row] != weight:
            totals += weight * np.log(products)
            products[:] = 1.0
            bits, weight = 0.0, weights[row]
        bits += needed
        if lowest < least:
            for member in range(members):
                products[member] *= max(sums[row] + of_label[row, member], least)
        else:
            for member in range(members):
                products[member] *= sums[row] + of_label[row, member]
    totals += weight * np.log(products)
    return totals
