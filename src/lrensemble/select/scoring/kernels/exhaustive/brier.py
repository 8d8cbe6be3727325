"""The Brier score of every subset of the members, under the mean of their probabilities (or of their votes).

The Brier score of a mean is a quadratic form: with the error e_i = p_i - onehot(label) of each member and the Gram
matrix G_ij = mean over rows of e_i · e_j, a team T of n members has the sum of G over T × T, divided by n². The rows
are summed once, in G; after that no team costs more than a few additions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span
from lrensemble.select.scoring.kernels.subsets import Halves, size_of, subset_sums


def negative_briers(gram: NDArray[np.float64], halves: Halves) -> NDArray[np.float64]:
    """For each team of a block, the Brier score, negated.

    Args:
        gram: [member, member] of the members' errors.
        halves: the block; position p in it is the team `top << bits | p`.

    Returns:
        [2^bits] scores. That of the empty team means nothing.
    """
    scores = np.empty(1 << halves.bits)
    _quadratic_forms(gram, halves.low, halves.high, halves.top, scores)
    return scores


@compiled_parallel
def _quadratic_forms(gram: NDArray[np.float64], low: int, high: int, top: int, scores: NDArray[np.float64]) -> None:
    """Fill `scores` [2^(low + high)]: within the low members, within the others, and twice between them."""
    low_size = 1 << low
    within = np.zeros(low_size)
    for member in range(low):  # subsets with this member as their highest: those without it, and its row
        rows = np.empty(1 << member)
        subset_sums(gram[member, :member], rows)
        for subset in range(1 << member):
            within[subset | 1 << member] = within[subset] + 2 * rows[subset] + gram[member, member]
    for upper in span(1 << high):
        between, crossing = np.zeros(low), np.empty(low_size)
        team = top << high | upper
        others = _within_and_between(gram, team, low, between)
        subset_sums(between, crossing)
        size = size_of(team)
        for subset in range(low_size):
            total = within[subset] + others + 2 * crossing[subset]
            scores[upper << low | subset] = -total / (size + size_of(subset)) ** 2


@compiled
def _within_and_between(gram: NDArray[np.float64], team: int, low: int, between: NDArray[np.float64]) -> float:
    """The sum of `gram` over a team of members above `low`, and, added to `between` [low], over it and each below."""
    total = 0.0
    for member in range(low, len(gram)):
        if team >> (member - low) & 1:
            between += gram[member, :low]
            for other in range(low, len(gram)):
                if team >> (other - low) & 1:
                    total += gram[member, other]
    return total
