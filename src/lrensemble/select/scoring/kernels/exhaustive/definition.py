"""What the definition says about single rows and teams: the judge of margins that are too close to call."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, combine
from lrensemble.numerics import likeliest
from lrensemble.select.scoring.kernels.columns import Columns, is_wrong
from lrensemble.select.scoring.kernels.exhaustive.accuracy import Decide
from lrensemble.select.scoring.kernels.jit import compiled
from lrensemble.select.scoring.kernels.subsets import members_of, size_of
from lrensemble.select.validation import Validation


def decider(validation: Validation, columns: Columns, consensus: str) -> Decide:
    """Whether contested rows are wrong for teams, as the consensus itself decides it."""
    if not CONSENSUS.facts(consensus).linear:
        return _by_combining(validation, columns, consensus)

    def decide(rows: NDArray[np.int64], teams: NDArray[np.int64]) -> NDArray[np.bool_]:
        return _by_adding(columns.truth, columns.rival, columns.rival_first, columns.first, rows, teams)

    return decide


def _by_combining(validation: Validation, columns: Columns, consensus: str) -> Decide:
    """Through the consensus function: an exponential and a division may round two classes to one probability."""

    def decide(rows: NDArray[np.int64], teams: NDArray[np.int64]) -> NDArray[np.bool_]:
        wrong = np.empty(len(rows), dtype=bool)
        for pair, (contested_row, team) in enumerate(zip(rows.tolist(), teams.tolist(), strict=True)):
            row = int(columns.row[contested_row])
            probs = validation.predictions_of(members_of(team), slice(row, row + 1))
            wrong[pair] = likeliest(combine(consensus, probs))[0] != validation.truth[row]
        return wrong

    return decide


@compiled
def _by_adding(
    truth: NDArray[np.float64],
    rival: NDArray[np.float64],
    rival_first: NDArray[np.bool_],
    first: NDArray[np.int64],
    rows: NDArray[np.int64],
    teams: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """The weighted mean as the consensus adds it: each member times its weight, in the order of the members."""
    wrong = np.zeros(rows.size, dtype=np.bool_)
    for pair in range(rows.size):
        weight = 1.0 / size_of(teams[pair])
        for_truth, lower, higher = _mean(truth[rows[pair]], teams[pair], weight), -1.0, -1.0
        for column in range(first[rows[pair]], first[rows[pair] + 1]):
            for_rival = _mean(rival[column], teams[pair], weight)
            if rival_first[column]:
                lower = max(lower, for_rival)
            else:
                higher = max(higher, for_rival)
        wrong[pair] = is_wrong(for_truth, lower, higher)
    return wrong


@compiled
def _mean(values: NDArray[np.float64], team: int, weight: float) -> float:
    total = 0.0
    for member in range(values.size):
        if team >> member & 1:
            total += values[member] * weight
    return total
