"""Find the best of a block of scores: ties within rounding go to the smaller team, then to the lowest indices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.kernels.jit import compiled, compiled_parallel, span
from lrensemble.select.kernels.subsets import Halves, comes_first, size_of


def discard_other_sizes(scores: NDArray[np.float64], halves: Halves, min_size: int, max_size: int) -> None:
    """Set the score of every team of a block whose size is outside the range to minus infinity, in place.

    The empty team is no team, whatever the range.
    """
    sizes = np.array([subset.bit_count() for subset in range(1 << halves.low)])
    _discard(scores.reshape(-1, 1 << halves.low), sizes, halves.top << halves.high, max(min_size, 1), max_size)


@compiled_parallel
def _discard(scores: NDArray[np.float64], sizes: NDArray[np.int64], top: int, min_size: int, max_size: int) -> None:
    """As above, for scores [high subset, low subset] and the sizes of low subsets."""
    for upper in span(scores.shape[0]):
        size_of_others = size_of(top | upper)
        for low in range(scores.shape[1]):
            size = size_of_others + sizes[low]
            if size < min_size or size > max_size:
                scores[upper, low] = -np.inf


@compiled
def first_team(teams: NDArray[np.int64]) -> int:
    """Of several masks, that of the smallest team; of those, that with the lowest indices."""
    first = teams[0]
    for team in teams:
        if comes_first(team, first):
            first = team
    return int(first)
