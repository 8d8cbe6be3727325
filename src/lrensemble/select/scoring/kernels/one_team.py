"""Which contested rows one weighted team has wrong, decided as the definition decides them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.scoring.kernels.columns import Columns, is_wrong
from lrensemble.select.scoring.kernels.incremental_arrays import wrong_by_definition
from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

SMALL = 2**20
"""Below so many numbers, adding whole arrays costs less than to compile, or to load, a kernel."""


def wrong_rows(columns: Columns, team: Indices, shares: Floats) -> NDArray[np.bool_]:
    """[contested row] whether the weighted mean is wrong there.

    Args:
        columns: of probabilities or votes.
        team: members, rising.
        shares: [member of the team] that sum to one.
    """
    wrong = np.zeros(len(columns.row), dtype=bool)
    if columns.rival.size >= SMALL:
        _decide(columns.truth, columns.rival, columns.rival_first, columns.first, team, shares, wrong)
        return wrong
    truth, rival = np.zeros(len(wrong)), np.zeros(len(columns.rival))
    for member, share in zip(team.tolist(), shares.tolist(), strict=True):
        truth += columns.truth[:, member] * share
        rival += columns.rival[:, member] * share
    if not len(wrong):
        return wrong
    lower, higher = (
        np.maximum.reduceat(np.where(columns.rival_first == first, rival, -1.0), columns.first[:-1])
        for first in (True, False)
    )
    return wrong_by_definition(truth, lower, higher)


@compiled_parallel
def _decide(
    truth: Floats,
    rival: Floats,
    rival_first: NDArray[np.bool_],
    first: Indices,
    team: Indices,
    shares: Floats,
    wrong: NDArray[np.bool_],
) -> None:
    """Fill `wrong` [contested row]."""
    for row in span(wrong.size):
        lower, higher = -1.0, -1.0
        for column in range(first[row], first[row + 1]):
            for_rival = _mean(rival[column], team, shares)
            if rival_first[column]:
                lower = max(lower, for_rival)
            else:
                higher = max(higher, for_rival)
        wrong[row] = is_wrong(_mean(truth[row], team, shares), lower, higher)


@compiled
def _mean(values: Floats, team: Indices, shares: Floats) -> float:
    """The weighted mean as the consensus adds it: each member times its share, in the members' order."""
    total = 0.0
    for place in range(team.size):
        total += values[team[place]] * shares[place]
    return total
