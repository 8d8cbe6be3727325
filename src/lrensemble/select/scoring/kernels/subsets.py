"""Subsets of a few members as bit masks: their sums, sizes and order, and the first of those that score best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.scoring.kernels.jit import compiled


@dataclass(frozen=True)
class Halves:
    """How the members of a block of teams are split: the first `low`, the next `high`, and fixed ones above those."""

    low: int
    high: int
    top: int
    """Mask of the members after those, which all teams of the block share."""

    @property
    def bits(self) -> int:
        """Members that the teams of the block differ in."""
        return self.low + self.high

    def shared(self, members: int) -> list[int]:
        """The fixed members, in a pool of `members`."""
        return [member for member in range(self.bits, members) if self.top >> (member - self.bits) & 1]


@compiled
def subset_sums(terms: NDArray[np.float64], sums: NDArray[np.float64]) -> None:
    """Fill `sums` [2^terms] with the sum of every subset; bit i of the position stands for term i.

    Terms are added in rising order.
    """
    sums[0], first = 0.0, 0
    if terms.size >= 3:  # loops over so few sums cost more than the sums
        one, two, three = terms[0], terms[1], terms[2]
        sums[1], sums[2], sums[3], sums[4] = one, two, one + two, three
        sums[5], sums[6], sums[7], first = one + three, two + three, one + two + three, 3
    for term in range(first, terms.size):
        half, amount = 1 << term, terms[term]
        without, with_it = sums[:half], sums[half : 2 * half]  # two arrays, which are added by whole vectors
        for subset in range(half):
            with_it[subset] = without[subset] + amount


@compiled
def sorted_subset_sums(terms: NDArray[np.float64], sums: NDArray[np.float64], masks: NDArray[np.int32]) -> None:
    """Fill `sums` [2^terms] with the sums of all subsets, rising, and `masks` with the subset that each belongs to.

    Terms are added in rising order, and every term merges two sorted lists: without it and with it. An infinite sum
    ends both, so that the merge needs no other condition than the comparison and runs without a branch.
    """
    shorter, shorter_masks = np.empty(sums.size + 1), np.empty(sums.size + 1, dtype=np.int32)
    sums[0], masks[0] = 0.0, 0
    for term in range(terms.size):
        count, bit, amount = 1 << term, 1 << term, terms[term]
        shorter[:count], shorter_masks[:count] = sums[:count], masks[:count]
        shorter[count], shorter_masks[count] = np.inf, 0
        without = 0
        for position in range(2 * count):
            with_it = position - without
            low, high = shorter[without], shorter[with_it] + amount
            take = low <= high
            sums[position] = min(low, high)
            masks[position] = shorter_masks[without] if take else shorter_masks[with_it] | bit
            without += take


@compiled
def size_of(mask: int) -> int:
    """How many members a mask has."""
    size = 0
    while mask:
        size += mask & 1
        mask >>= 1
    return size


def members_of(mask: int) -> tuple[int, ...]:
    """The members of a mask, rising."""
    return tuple(member for member in range(mask.bit_length()) if mask >> member & 1)


def discard_other_sizes(scores: NDArray[np.float64], halves: Halves, min_size: int, max_size: int) -> None:
    """Set the score of every team of a block whose size is outside the range to minus infinity, in place.

    The empty team is no team, whatever the range.
    """
    if min_size <= 1 and max_size >= halves.top.bit_count() + halves.bits:
        scores[: 1 if halves.top == 0 else 0] = -np.inf
        return
    low = np.bitwise_count(np.arange(1 << halves.low))
    high = np.bitwise_count(halves.top << halves.high | np.arange(1 << halves.high))
    sizes = high[:, None] + low
    scores.reshape(sizes.shape)[(sizes < max(min_size, 1)) | (sizes > max_size)] = -np.inf


def first_team(teams: NDArray[np.int64]) -> int:
    """Mask of the smallest of several teams; of those of one size, the one with the lowest indices."""
    sizes = np.bitwise_count(teams)
    first = teams[sizes == sizes.min()]
    for member in range(int(first.max()).bit_length()):
        with_member = first[first >> member & 1 == 1]
        first = with_member if len(with_member) else first
    return int(first[0])
