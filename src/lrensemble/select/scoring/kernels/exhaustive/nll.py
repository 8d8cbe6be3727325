"""The log-likelihood of every subset of the members, under the mean of their probabilities (or of their votes).

Only what each member gives the label matters, [member, sample]. A team's likelihood of a row is a sum over its members,
and a sum of logarithms is the logarithm of a product: rows of the same weight are multiplied in groups so small that no
product can leave the range of float64, and one logarithm is taken for a group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrensemble.numerics import SMALLEST_PROBABILITY
from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span
from lrensemble.select.scoring.kernels.subsets import Halves, size_of, subset_sums

LOW_BITS = 10
"""Members whose subsets the inner loop runs through: 2^10 products stay in the cache of a core."""

RANGE_BITS = 900.0
"""A product of a group lies between 2^-900 and 2^900."""


@dataclass(frozen=True, eq=False)
class Likelihoods:
    """What members give the labels, in groups of rows whose products stay in range."""

    of_label: NDArray[np.float64]
    """[member, sample], first the clamped rows, then those of each weight, sorted by their lowest likelihood."""
    first: NDArray[np.int64]
    """[group + 1], where each group begins."""
    weight: NDArray[np.float64]
    """[group] how often each of its rows counts."""
    clipped: int
    """Leading rows where a mean may be below `SMALLEST_PROBABILITY`, since a member is."""


def group_rows(of_label: NDArray[np.float64], weights: NDArray[np.float64]) -> Likelihoods:
    """Sort rows [member, sample], each of a weight [sample] above zero, and cut them in groups."""
    members, rows = of_label.shape
    lowest = of_label.min(axis=0)
    order = np.lexsort((lowest, weights, lowest >= SMALLEST_PROBABILITY))
    clipped = int((lowest < SMALLEST_PROBABILITY).sum())
    bits = np.maximum(-np.log2(np.maximum(lowest[order], SMALLEST_PROBABILITY)), np.log2(members) + 0.01)
    first, used, ordered = list[int](), np.inf, weights[order]
    for row in range(rows):
        used += bits[row]
        if used > RANGE_BITS or ordered[row] != ordered[row - 1]:
            first.append(row)
            used = bits[row]
    return Likelihoods(np.ascontiguousarray(of_label[:, order]), np.array([*first, rows]), ordered[first], clipped)


def log_likelihoods(likelihoods: Likelihoods, halves: Halves) -> NDArray[np.float64]:
    """For each team of a block, the mean over rows of the logarithm of its mean likelihood: the NLL, negated.

    Args:
        likelihoods: of all members.
        halves: the block; position p in it is the team `top << bits | p`.

    Returns:
        [2^bits] scores. That of the empty team means nothing.
    """
    shared = halves.shared(len(likelihoods.of_label))
    base = likelihoods.of_label[shared].sum(axis=0)
    scores = np.empty(1 << halves.bits)
    _log_products(
        likelihoods.of_label,
        base,
        likelihoods.first,
        likelihoods.weight,
        likelihoods.clipped,
        halves.low,
        halves.high,
        len(shared),
        scores,
    )
    return scores


@compiled_parallel
def _log_products(
    of_label: NDArray[np.float64],
    base: NDArray[np.float64],
    first: NDArray[np.int64],
    weight: NDArray[np.float64],
    clipped: int,
    low: int,
    high: int,
    shared: int,
    scores: NDArray[np.float64],
) -> None:
    """Fill `scores` [2^(low + high)]; `base` [sample] is the sum over the `shared` members."""
    total, low_size = np.sum(weight * np.diff(first)), 1 << low
    block = max(1, min(8, (1 << high) // 4))
    for part in span((1 << high) // block):
        low_sums, low_sizes = np.empty(low_size), np.empty(low_size)
        subset_sums(np.ones((low, 1))[:, 0], low_sizes)  # laid out as a column below: compiled once for both
        products, totals = np.ones((block, low_size)), np.zeros((block, low_size))
        for group in range(first.size - 1):
            for row in range(first[group], first[group + 1]):
                subset_sums(of_label[:low, row], low_sums)
                for offset in range(block):
                    high_sum = base[row] + _sum_of(of_label[low:, row], part * block + offset)
                    if row < clipped:
                        upper = shared + size_of(part * block + offset)
                        _multiply_clipped(products[offset], low_sums, low_sizes, high_sum, upper)
                    else:
                        for subset in range(low_size):
                            products[offset, subset] *= low_sums[subset] + high_sum
            for offset in range(block):
                _end_group(products[offset], totals[offset], weight[group])
        for offset in range(block):
            begin = (part * block + offset) << low
            for subset in range(low_size):
                size = shared + size_of(begin | subset)
                scores[begin | subset] = totals[offset, subset] / total - np.log(size)


@compiled
def _sum_of(values: NDArray[np.float64], mask: int) -> float:
    total = 0.0
    for member in range(values.size):
        if mask >> member & 1:
            total += values[member]
    return total


@compiled
def _multiply_clipped(
    products: NDArray[np.float64],
    low_sums: NDArray[np.float64],
    low_sizes: NDArray[np.float64],
    high_sum: float,
    high_size: int,
) -> None:
    """Multiply products [low subset] by sums whose mean is clipped from below."""
    for subset in range(products.size):
        least = SMALLEST_PROBABILITY * (low_sizes[subset] + high_size)
        products[subset] *= max(low_sums[subset] + high_sum, least)


@compiled
def _end_group(products: NDArray[np.float64], totals: NDArray[np.float64], weight: float) -> None:
    """Add the logarithms of the products [low subset], by their weight, to the totals, and begin anew."""
    for subset in range(products.size):
        totals[subset] += weight * np.log(products[subset])
        products[subset] = 1.0
