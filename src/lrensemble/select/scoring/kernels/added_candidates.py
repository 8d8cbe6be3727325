"""Which candidates lose one contested column when they are added to a team, and which of them lose the row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.scoring.kernels.columns import is_wrong
from lrensemble.select.scoring.kernels.jit import compiled

Floats = NDArray[np.float64]


@compiled
def fill_margins(truth: Floats, rival: Floats, factor: float, total: float, margins: Floats) -> None:
    """Fill `margins` [member] with those of the team with each member added."""
    for member in range(margins.size):
        margins[member] = total + (truth[member] - rival[member] * factor)


@compiled
def add_lost(margins: Floats, rival_first: bool, error: float, doubt: float, lost: NDArray[np.int64]) -> bool:
    """Mark the members with whom a column is clearly lost; whether any other is too close to call."""
    close = 0
    if error == 0:  # whole votes: margins are exact, and zero where nobody votes for either
        enough = 0.0 if rival_first else -0.5
        for member in range(margins.size):
            lost[member] |= margins[member] <= enough
        return False
    for member in range(margins.size):
        lost[member] |= margins[member] < -doubt
        close += (margins[member] >= -doubt) & (margins[member] <= error)
    return bool(close > 0)


@compiled
def decide(
    truth: Floats,
    rival: Floats,
    rival_first: NDArray[np.bool_],
    counts: Floats,
    close: NDArray[np.bool_],
    lost: NDArray[np.int64],
) -> None:
    """Decide a row for the members too close to call as the consensus adds: times its weight, in the members' order."""
    for candidate in range(counts.size):
        if lost[candidate] or not close[candidate]:
            continue
        for_truth, lower, higher = _mean_with(truth, counts, candidate), -1.0, -1.0
        for column in range(rival_first.size):
            for_rival = _mean_with(rival[column], counts, candidate)
            if rival_first[column]:
                lower = max(lower, for_rival)
            else:
                higher = max(higher, for_rival)
        lost[candidate] = is_wrong(for_truth, lower, higher)


@compiled
def _mean_with(values: Floats, counts: Floats, candidate: int) -> float:
    """The mean of a team with a candidate added."""
    size, total = counts.sum() + 1, 0.0
    for member in range(counts.size):
        total += values[member] * ((counts[member] + (member == candidate)) / size)
    return total
