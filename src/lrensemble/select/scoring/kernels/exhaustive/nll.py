"""The log-likelihood of every subset of the members, under the mean of their probabilities (or of their votes).

Only what each member gives the label matters, [member, sample]. A team's likelihood of a row is a sum over its members,
and a sum of logarithms is the logarithm of a product: rows of the same weight are multiplied in groups so small that no
product can leave the range of float64. At the end of a group the exponents of two are taken out of its products; one
logarithm of what is left is taken for a team.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrensemble.numerics import SMALLEST_PROBABILITY
from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span
from lrensemble.select.scoring.kernels.products import aligned, split_exponents, take_logs
from lrensemble.select.scoring.kernels.subsets import Halves, size_of, subset_sums

Floats = NDArray[np.float64]

LOW_BITS = 8
"""Members whose subsets the inner loop runs through: six rows of 2^8 sums stay in the first cache of a core."""

BLOCK_BITS = 7
"""Members, at most, whose subsets share the sums of those; their products stay in the second cache.

One at least, where there is one: two subsets share the loads of the sums."""

TURN_BITS = 4
"""Members, where there are as many, whose subsets the cores share between them."""

TOGETHER = 6
"""Rows that are multiplied before the product of a team is loaded and stored."""

RANGE_BITS = 900.0
"""A product of a group lies between 2^-900 and 2^900."""


@dataclass(frozen=True, eq=False)
class Likelihoods:
    """What members give the labels, in groups of rows whose products stay in range."""

    of_label: Floats
    """[sample, member], first the clamped rows, then those of each weight, sorted by their lowest likelihood."""
    first: NDArray[np.int64]
    """[group + 1], where each group begins. Most have a multiple of `TOGETHER` rows."""
    weight: Floats
    """[group] how often each of its rows counts."""
    clipped: int
    """Leading rows where a mean may be below `SMALLEST_PROBABILITY`, since a member is."""


def group_rows(of_label: Floats, weights: Floats) -> Likelihoods:
    """Sort rows [member, sample], each of a weight [sample] above zero, and cut them in groups."""
    members, rows = of_label.shape
    lowest = of_label.min(axis=0)
    order = np.lexsort((lowest, weights, lowest >= SMALLEST_PROBABILITY))
    clipped = int((lowest < SMALLEST_PROBABILITY).sum())
    bits = np.maximum(-np.log2(np.maximum(lowest[order], SMALLEST_PROBABILITY)), np.log2(members) + 0.01)
    used, ordered = np.append(0, np.cumsum(bits)), weights[order]
    ends = [*(np.flatnonzero(np.diff(ordered)) + 1).tolist(), rows]
    first = [0]
    while first[-1] < rows:
        start = first[-1]
        end = ends[bisect_right(ends, start)]
        stop = int(np.searchsorted(used, used[start] + RANGE_BITS, side="right")) - 1
        whole = start + (stop - start) // TOGETHER * TOGETHER
        first.append(end if stop >= end else whole)
    return Likelihoods(np.ascontiguousarray(of_label[:, order].T), np.array(first), ordered[first[:-1]], clipped)


def log_likelihoods(likelihoods: Likelihoods, halves: Halves) -> Floats:
    """For each team of a block, the mean over rows of the logarithm of its mean likelihood: the NLL, negated.

    Args:
        likelihoods: of all members.
        halves: the block; position p in it is the team `top << bits | p`.

    Returns:
        [2^bits] scores. That of the empty team means nothing.
    """
    shared = halves.shared(likelihoods.of_label.shape[1])
    base = likelihoods.of_label[:, shared].sum(axis=1)
    scores = np.empty(1 << halves.bits)
    _log_products(
        likelihoods.of_label[:, : halves.bits],
        base,
        likelihoods.first,
        likelihoods.weight,
        likelihoods.clipped,
        min(halves.bits, LOW_BITS),
        len(shared),
        scores,
    )
    return scores


@compiled_parallel
def _log_products(
    of_label: Floats,
    base: Floats,
    first: NDArray[np.int64],
    weight: Floats,
    clipped: int,
    low: int,
    shared: int,
    scores: Floats,
) -> None:
    """Fill `scores` [2^members of `of_label`]; `base` [sample] is the sum over the `shared` members."""
    members, low_size = of_label.shape[1], 1 << low
    middle = min(BLOCK_BITS, max(members - low - TURN_BITS, 1), members - low)
    total = np.sum(weight * np.diff(first))
    for upper in span(1 << (members - low - middle)):
        sums = base.copy()
        for member in range(low + middle, members):
            if upper >> (member - low - middle) & 1:
                sums += of_label[:, member]
        start, block = (upper << (low + middle)), 1 << middle
        low_sizes, logs = np.empty(low_size), np.empty((block, low_size))
        subset_sums(np.ones(low), low_sizes)
        others = shared + size_of(upper)
        _score_block(of_label[:, : low + middle], sums, first, weight, clipped, low_sizes, others, logs)
        for offset in range(block):
            begin = start + (offset << low)
            for subset in range(low_size):
                size = shared + size_of(begin | subset)
                scores[begin | subset] = logs[offset, subset] / total - np.log(size)


@compiled
def _score_block(
    of_label: Floats,
    base: Floats,
    first: NDArray[np.int64],
    weight: Floats,
    clipped: int,
    low_sizes: Floats,
    shared: int,
    logs: Floats,
) -> None:
    """Fill `logs` [high subset, low subset] with the weighted sum over rows of the log of the sum over each team."""
    block, low_size = logs.shape
    low = of_label.shape[1] - int(np.log2(block))
    products, exponents = aligned(block, low_size), aligned(block, low_size)
    low_sums, high_sums = aligned(TOGETHER, low_size), np.empty((TOGETHER, block))
    products[:], exponents[:], logs[:] = 1.0, 0.0, 0.0
    for group in range(first.size - 1):
        row = first[group]
        while row < first[group + 1]:
            count = TOGETHER if block > 1 and row >= clipped and row + TOGETHER <= first[group + 1] else 1
            for place in range(count):
                subset_sums(of_label[row + place, :low], low_sums[place])
                subset_sums(of_label[row + place, low:], high_sums[place])
                high_sums[place] += base[row + place]
            _multiply_rows(products, low_sums, high_sums, count, low_sizes, shared if row < clipped else -1)
            row += count
        last = group + 2 == first.size or weight[group + 1] != weight[group]
        for offset in range(block):
            split_exponents(products[offset], exponents[offset], weight[group])
            if last:
                take_logs(products[offset], logs[offset], weight[group])
    logs += exponents * np.log(2.0)


@compiled
def _multiply_rows(
    products: Floats, low_sums: Floats, high_sums: Floats, count: int, low_sizes: Floats, shared: int
) -> None:
    """Multiply products [high subset, low subset] by the sums of six rows, or of one.

    Where teams have `shared` members more, and not -1, the mean of one row is clipped from below.
    """
    if count > 1:
        multiply_six(products, low_sums, high_sums)
        return
    for offset in range(products.shape[0]):
        if shared >= 0:
            size = shared + size_of(offset)
            multiply_clipped(products[offset], low_sums[0], low_sizes, high_sums[0, offset], size)
        else:
            multiply(products[offset], low_sums[0], high_sums[0, offset])


@compiled
def multiply(products: Floats, sums: Floats, more: float) -> None:
    """Multiply products [subset] by sums of a row plus what is common to them."""
    for subset in range(products.size):
        products[subset] *= sums[subset] + more


@compiled
def multiply_six(products: Floats, sums: Floats, more: Floats) -> None:
    """Multiply products [high subset, low subset] by sums [row, low subset] of six rows plus more [row, high subset].

    High subsets are taken two at a time: not the arithmetic but the loads bound the loop, and two share most of them.
    """
    sums_0, sums_1, sums_2, sums_3, sums_4, sums_5 = sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]
    for first in range(0, products.shape[0], 2):
        second = first + 1
        of_first, of_second = products[first], products[second]
        more_0, more_1, more_2 = more[0, first], more[1, first], more[2, first]
        more_3, more_4, more_5 = more[3, first], more[4, first], more[5, first]
        also_0, also_1, also_2 = more[0, second], more[1, second], more[2, second]
        also_3, also_4, also_5 = more[3, second], more[4, second], more[5, second]
        for subset in range(products.shape[1]):
            row_0, row_1, row_2 = sums_0[subset], sums_1[subset], sums_2[subset]
            row_3, row_4, row_5 = sums_3[subset], sums_4[subset], sums_5[subset]
            four = ((row_0 + more_0) * (row_1 + more_1)) * ((row_2 + more_2) * (row_3 + more_3))
            of_first[subset] *= four * ((row_4 + more_4) * (row_5 + more_5))
            four = ((row_0 + also_0) * (row_1 + also_1)) * ((row_2 + also_2) * (row_3 + also_3))
            of_second[subset] *= four * ((row_4 + also_4) * (row_5 + also_5))


@compiled
def multiply_clipped(products: Floats, sums: Floats, sizes: Floats, more: float, size: int) -> None:
    """Multiply products [subset] by sums of a row plus what is common, their mean clipped from below."""
    for subset in range(products.size):
        least = SMALLEST_PROBABILITY * (sizes[subset] + size)
        products[subset] *= max(sums[subset] + more, least)
