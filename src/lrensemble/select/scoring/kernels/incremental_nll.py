"""The log-likelihood of a team with each candidate added, under the mean of probabilities or of votes.

Only what each member gives the label matters. Rows of the same weight are multiplied, all candidates side by side, and
the exponents of two are taken out of the products before they can leave the range of float64; one logarithm is taken
for a weight and candidate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrensemble.numerics import SMALLEST_PROBABILITY
from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span
from lrensemble.select.scoring.kernels.products import split_exponents, take_logs

Floats = NDArray[np.float64]
Rows = tuple[Floats, Floats, Floats]
"""What members give the label [sample, member], the lowest of that [sample], and how often rows count [sample]."""

PARTS = 16
"""Parts that the rows are cut into for the cores."""

TOGETHER = 16
"""Rows whose product is in the range of float64, whatever they are: no mean counts as less than 2^-52."""

SMALL = 2**16
"""Below so many numbers, a logarithm of each costs no more than the kernel, which would have to be compiled."""

SERIAL = 2**22
"""Below so many numbers, waking the other cores costs more than it saves."""


@dataclass(frozen=True, eq=False)
class NllTeam:
    """Scored by the mean log-likelihood, the NLL negated."""

    rows: Rows
    """Those of the same weight together."""
    total: float
    """All rows, as often as they count."""
    sums: Floats
    """[sample] of the team."""
    size: int
    """Members of the team, as often as they count."""

    def scores(self, candidates: NDArray[np.int64]) -> Floats:
        """[candidate] the mean log-likelihood of the team with each candidate added."""
        totals = self._sums_of_logs()(self.rows, self.sums, self.size)[candidates]
        totals /= self.total
        totals -= math.log(self.size + 1)
        return totals

    def _sums_of_logs(self) -> Callable[[Rows, Floats, int], Floats]:
        """What adds fastest for so many numbers."""
        size = self.rows[0].size
        if size < SMALL:
            return _logs
        return _log_products if size < SERIAL else _log_products_on_all_cores

    def added(self, member: int) -> NllTeam:
        """The team with one member more."""
        return NllTeam(self.rows, self.total, self.sums + self.rows[0][:, member], self.size + 1)


def nll_team(of_label: Floats, weights: Floats) -> NllTeam:
    """The empty team, from what each member gives the label, [sample, member], and how often rows count [sample]."""
    if not (weights == weights[0]).all():
        order = np.argsort(weights, kind="stable")
        order = order[weights[order] > 0]
        of_label, weights = of_label[order], weights[order]
    rows = of_label, of_label.min(axis=1), weights
    return NllTeam(rows, float(weights.sum()), np.zeros(len(weights)), 0)


def _logs(rows: Rows, sums: Floats, size: int) -> Floats:
    """[member] as `_log_products`, by the formula as it stands."""
    of_label, _, weights = rows
    means = of_label + sums[:, None]
    np.maximum(means, SMALLEST_PROBABILITY * (size + 1), out=means)
    return np.asarray(weights @ np.log(means, out=means))


@compiled_parallel
def _log_products_on_all_cores(rows: Rows, sums: Floats, size: int) -> Floats:
    """[member] as `_log_products`."""
    count, members = rows[0].shape
    totals = np.zeros((PARTS, members))
    for part in span(PARTS):
        _add_logs(rows, sums, size, part * count // PARTS, (part + 1) * count // PARTS, totals[part])
    total: Floats = totals.sum(axis=0)
    return total


@compiled
def _log_products(rows: Rows, sums: Floats, size: int) -> Floats:
    """[member] the weighted sum over rows of the log of the team's sum with each member added, its mean clipped."""
    totals = np.zeros(rows[0].shape[1])
    _add_logs(rows, sums, size, 0, sums.size, totals)
    return totals


@compiled
def _add_logs(rows: Rows, sums: Floats, size: int, begin: int, end: int, totals: Floats) -> None:
    """Add the rows from `begin` to `end` to `totals` [member]."""
    of_label, lowest, weights = rows
    products, exponents, least = np.ones(totals.size), np.zeros(totals.size), SMALLEST_PROBABILITY * (size + 1)
    start = begin
    while start < end:
        weight, stop = weights[start], start
        if _all_alike(lowest, weights, sums, start, end, least):
            for row in range(start, start + TOGETHER, 4):
                _multiply_four(products, of_label[row : row + 4], sums[row : row + 4])
            stop = start + TOGETHER
        while stop < end and stop < start + TOGETHER and weights[stop] == weight:
            if sums[stop] + lowest[stop] < least:
                _multiply_clipped(products, of_label[stop], sums[stop], least)
            else:
                _multiply(products, of_label[stop], sums[stop])
            stop += 1
        split_exponents(products, exponents, weight)
        if stop == end or weights[stop] != weight:
            take_logs(products, totals, weight)
        start = stop
    totals += exponents * np.log(2.0)


@compiled
def _all_alike(lowest: Floats, weights: Floats, sums: Floats, start: int, end: int, least: float) -> bool:
    """Whether so many rows as go together have one weight, and none of them a mean to be clipped."""
    if start + TOGETHER > end or weights[start + TOGETHER - 1] != weights[start]:  # they are sorted by weight
        return False
    clipped = 0
    for row in range(start, start + TOGETHER):
        clipped += sums[row] + lowest[row] < least
    return clipped == 0


@compiled
def _multiply_four(products: Floats, of_label: Floats, totals: Floats) -> None:
    """Multiply products [member] by what four rows [row, member] give, each plus the row's total."""
    row_0, row_1, row_2, row_3 = of_label[0], of_label[1], of_label[2], of_label[3]
    total_0, total_1, total_2, total_3 = totals[0], totals[1], totals[2], totals[3]
    for member in range(products.size):
        two = (total_0 + row_0[member]) * (total_1 + row_1[member])
        products[member] *= two * ((total_2 + row_2[member]) * (total_3 + row_3[member]))


@compiled
def _multiply(products: Floats, of_label: Floats, total: float) -> None:
    for member in range(products.size):
        products[member] *= total + of_label[member]


@compiled
def _multiply_clipped(products: Floats, of_label: Floats, total: float, least: float) -> None:
    for member in range(products.size):
        products[member] *= max(total + of_label[member], least)
