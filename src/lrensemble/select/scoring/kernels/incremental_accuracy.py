"""The accuracy of a team with each candidate added, from running sums of margins, one number for a column.

Most columns need no look at any candidate: where even the least helpful one leaves the margin above zero nobody loses,
and where a column stays lost with the most helpful one everybody does. Margins within the bound of rounding, or
that may be in a tie of three, are decided on the spot, as the definition decides them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.scoring.kernels.columns import SMALLEST, Columns, is_wrong, rounding
from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span

Floats = NDArray[np.float64]

PARTS = 16
"""Parts that the rows are cut into for the cores."""

SERIAL = 2**21
"""Below so many numbers, waking the other cores costs more than it saves."""


@dataclass(frozen=True, eq=False)
class AccuracyTeam:
    """Scored by accuracy under the mean of probabilities or of votes."""

    columns: Columns
    repeats: Floats
    """[contested row] how often each counts."""
    rows: float
    """All rows, as often as they count."""
    always_wrong: float
    """Rows that no team gets right, as often as they count."""
    counts: Floats
    """[member] how often each is in the team."""
    sums: Floats
    """[column] margins of the team, summed."""
    scale: Floats
    """[column] |truth| + |rival|, summed."""

    def scores(self, candidates: NDArray[np.int64]) -> Floats:
        """[candidate] the accuracy of the team with each candidate added."""
        columns = self.columns
        terms = len(self.counts) + int(self.counts.sum()) + 1
        error = rounding(terms) * (self.scale + columns.limits[:, 2]) + SMALLEST
        error[columns.votes] = 0.0
        doubtful = columns.rival_first & ~columns.votes  # no number of whole votes is as close to a tie of three
        doubt = error + np.where(doubtful, columns.doubt, 0) * (self.counts.sum() + 1)
        count = _count_wrong if columns.rival.size < SERIAL else _count_wrong_on_all_cores
        wrong = count(
            columns.truth,
            columns.rival,
            columns.rival_first,
            columns.first,
            columns.factor,
            columns.limits,
            self.repeats,
            self.counts,
            self.sums,
            error,
            doubt,
        )
        return np.asarray((self.rows - self.always_wrong - wrong[candidates]) / self.rows)

    def added(self, member: int) -> AccuracyTeam:
        """The team with one member more."""
        counts = self.counts.copy()
        counts[member] += 1
        truth, rival = self.columns.truth[self.columns.row_of_column, member], self.columns.rival[:, member]
        sums, scale = self.sums + (truth - rival * self.columns.factor), self.scale + (truth + rival)
        return replace(self, counts=counts, sums=sums, scale=scale)


def accuracy_team(columns: Columns, weights: Floats) -> AccuracyTeam:
    """The empty team over the rows of the validation set, as often as each counts [row]."""
    width, members = columns.rival.shape
    return AccuracyTeam(
        columns,
        weights[columns.row],
        float(weights.sum()),
        float(weights[columns.always_wrong].sum()),
        np.zeros(members),
        np.zeros(width),
        np.zeros(width),
    )


@compiled_parallel
def _count_wrong_on_all_cores(
    truth: Floats,
    rival: Floats,
    rival_first: NDArray[np.bool_],
    first: NDArray[np.int64],
    factor: Floats,
    limits: Floats,
    repeats: Floats,
    counts: Floats,
    sums: Floats,
    error: Floats,
    doubt: Floats,
) -> Floats:
    """[member] as `_count_wrong`."""
    rows = first.size - 1
    wrong = np.zeros((PARTS, rival.shape[1]))
    for part in span(PARTS):
        start, stop = part * rows // PARTS, (part + 1) * rows // PARTS
        wrong[part] = _count_wrong(
            truth[start:stop],
            rival,
            rival_first,
            first[start : stop + 1],
            factor,
            limits,
            repeats[start:stop],
            counts,
            sums,
            error,
            doubt,
        )
    total: Floats = wrong.sum(axis=0)
    return total


@compiled
def _count_wrong(
    truth: Floats,
    rival: Floats,
    rival_first: NDArray[np.bool_],
    first: NDArray[np.int64],
    factor: Floats,
    limits: Floats,
    repeats: Floats,
    counts: Floats,
    sums: Floats,
    error: Floats,
    doubt: Floats,
) -> Floats:
    """[member] the rows that are wrong with each member added, as often as they count."""
    members = rival.shape[1]
    wrong, lost, margins = np.zeros(members), np.zeros(members, dtype=np.int64), np.empty(members)
    for row in range(first.size - 1):
        looked = False
        for column in range(first[row], first[row + 1] if repeats[row] else first[row]):
            if sums[column] + limits[column, 0] > error[column]:
                continue
            if not looked:
                lost[:] = 0
                looked = True
            if sums[column] + limits[column, 1] < -doubt[column]:
                lost[:] = 1
                break
            for member in range(members):
                margins[member] = sums[column] + (truth[row, member] - rival[column, member] * factor[column])
            if _add_lost(margins, rival_first[column], error[column], doubt[column], lost):
                start, stop = first[row], first[row + 1]
                _decide(truth[row], rival[start:stop], rival_first[start:stop], counts, margins <= error[column], lost)
        if looked:
            for member in range(members):
                wrong[member] += repeats[row] * lost[member]
    return wrong


@compiled
def _add_lost(margins: Floats, rival_first: bool, error: float, doubt: float, lost: NDArray[np.int64]) -> bool:
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
def _decide(
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
