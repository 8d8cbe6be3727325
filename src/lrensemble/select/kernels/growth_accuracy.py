"""The accuracy of a team with each candidate added, from running sums of margins, one number for a column.

Most columns need no look at any candidate: where even the least helpful one leaves the margin above zero nobody loses,
and where a column stays lost with the most helpful one everybody does. Margins within the bound of rounding are decided
on the spot, as the definition decides them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.kernels.columns import SMALLEST, Columns, rounding
from lrensemble.select.kernels.jit import compiled, compiled_parallel, span

Floats = NDArray[np.float64]

PARTS = 16
"""Parts that the rows are cut into for the cores."""

SERIAL = 2**21
"""Below so many numbers, waking the other cores costs more than it saves."""


@dataclass(frozen=True, eq=False)
class AccuracyGrowth:
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
        count = _count_wrong if columns.rival.size < SERIAL else _count_wrong_on_all_cores
        wrong = count(
            columns.truth,
            columns.rival,
            columns.rival_first,
            columns.first,
            columns.limits,
            self.repeats,
            self.counts,
            self.sums,
            error,
        )
        return np.asarray((self.rows - self.always_wrong - wrong[candidates]) / self.rows)

    def added(self, member: int) -> AccuracyGrowth:
        """The team with one member more."""
        counts = self.counts.copy()
        counts[member] += 1
        sums, scale = self.sums.copy(), self.scale.copy()
        _add_member(self.columns.truth, self.columns.rival, self.columns.row_of_column, member, sums, scale)
        return replace(self, counts=counts, sums=sums, scale=scale)


def start_accuracy(columns: Columns, weights: Floats) -> AccuracyGrowth:
    """The empty team over the rows of the validation set, as often as each counts [row]."""
    width, members = columns.rival.shape
    return AccuracyGrowth(
        columns,
        weights[columns.row],
        float(weights.sum()),
        float(weights[columns.always_wrong].sum()),
        np.zeros(members),
        np.zeros(width),
        np.zeros(width),
    )


@compiled_parallel
def _add_member(
    truth: Floats, rival: Floats, row_of_column: NDArray[np.int64], member: int, sums: Floats, scale: Floats
) -> None:
    """Add a member's margins and their scale to those of a team, in place."""
    for column in span(rival.shape[0]):
        for_truth, for_rival = truth[row_of_column[column], member], rival[column, member]
        sums[column] += for_truth - for_rival
        scale[column] += for_truth + for_rival


@compiled_parallel
def _count_wrong_on_all_cores(
    truth: Floats,
    rival: Floats,
    rival_first: NDArray[np.bool_],
    first: NDArray[np.int64],
    limits: Floats,
    repeats: Floats,
    counts: Floats,
    sums: Floats,
    error: Floats,
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
            limits,
            repeats[start:stop],
            counts,
            sums,
            error,
        )
    total: Floats = wrong.sum(axis=0)
    return total


@compiled
def _count_wrong(
    truth: Floats,
    rival: Floats,
    rival_first: NDArray[np.bool_],
    first: NDArray[np.int64],
    limits: Floats,
    repeats: Floats,
    counts: Floats,
    sums: Floats,
    error: Floats,
) -> Floats:
    """[member] the rows that are wrong with each member added, as often as they count."""
    members = rival.shape[1]
    wrong, lost = np.zeros(members), np.zeros(members, dtype=np.int64)
    for row in range(first.size - 1):
        looked = False
        for column in range(first[row], first[row + 1] if repeats[row] else first[row]):
            if sums[column] + limits[column, 0] > error[column]:
                continue
            if not looked:
                lost[:] = 0
                looked = True
            if sums[column] + limits[column, 1] < -error[column]:
                lost[:] = 1
                break
            if _add_lost(truth[row], rival[column], sums[column], error[column], lost):
                _decide(truth[row], rival[column], rival_first[column], counts, sums[column], error[column], lost)
        if looked:
            for member in range(members):
                wrong[member] += repeats[row] * lost[member]
    return wrong


@compiled
def _add_lost(truth: Floats, rival: Floats, total: float, error: float, lost: NDArray[np.int64]) -> bool:
    """Mark the members with whom a column is clearly lost; whether any other is too close to call."""
    close = 0
    for member in range(truth.size):
        margin = total + (truth[member] - rival[member])
        lost[member] |= margin < -error
        close += (margin >= -error) & (margin <= error)
    return bool(close > 0)


@compiled
def _decide(
    truth: Floats,
    rival: Floats,
    rival_first: bool,
    counts: Floats,
    total: float,
    error: float,
    lost: NDArray[np.int64],
) -> None:
    """Decide the members too close to call as the consensus adds: each times its weight, in the members' order."""
    size = counts.sum() + 1
    for candidate in range(counts.size):
        if lost[candidate] or abs(total + (truth[candidate] - rival[candidate])) > error:
            continue
        if error == 0:  # whole votes: their sums are exact, and equal
            lost[candidate] = rival_first
            continue
        for_truth, for_rival = 0.0, 0.0
        for member in range(counts.size):
            weight = (counts[member] + (member == candidate)) / size
            for_truth += truth[member] * weight
            for_rival += rival[member] * weight
        lost[candidate] = for_rival > for_truth or (for_rival == for_truth and rival_first)
