"""The accuracy of a team with each candidate added, from running sums of margins, one number for a column.

Most columns need no look at any candidate: where even the least helpful one leaves the margin above zero nobody loses,
and where a column stays lost with the most helpful one everybody does. How far a margin is from zero also says for how
many more additions that holds: until then the column costs one comparison, and its sum waits to be brought up to date.
Margins within the bound of rounding, or that may be in a tie of three, are decided on the spot, as the definition
decides them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.scoring.kernels.added_candidates import add_lost, decide, fill_margins
from lrensemble.select.scoring.kernels.columns import SMALLEST, Columns, rounding
from lrensemble.select.scoring.kernels.incremental_arrays import SmallAccuracyTeam, small_accuracy_team
from lrensemble.select.scoring.kernels.incremental_votes import VoteTeam, vote_team
from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

PARTS = 16
"""Parts that the rows are cut into for the cores."""

SMALL = 2**16
"""Below so many numbers, comparing whole arrays costs no more than to compile, or to load, a kernel."""

SERIAL = 2**22
"""Below so many numbers to look at, waking the other cores costs more than it saves."""

HORIZON = 64
"""Additions that are looked ahead, at most."""

GUARD = 1e-9
"""A column is left alone only where its margin stays this far from zero: more than sums of bounds may be off by."""


NOBODY, SOME, ALL = 0, 1, 2
"""Who has a row wrong."""


class Given(NamedTuple):
    """What does not change while a team grows."""

    truth: Floats
    """[contested row, member]"""
    rival: Floats
    """[column, member]"""
    rival_first: NDArray[np.bool_]
    """[column]"""
    first: Indices
    """[contested row + 1]"""
    factor: Floats
    """[column]"""
    limits: Floats
    """[column, 3]"""
    doubt: Floats
    """[column] of a tie of three, for a team of one; zero where it needs no look."""
    votes: NDArray[np.bool_]
    """[column]"""
    repeats: Floats
    """[contested row] how often each counts."""


class State(NamedTuple):
    """What is known of a team's margins; scoring brings some of it up to date, which changes no score."""

    sums: Floats
    """[column] margins of the first `added` members of the team, summed in the order in which they came."""
    added: NDArray[np.int32]
    """[column]"""
    settled: NDArray[np.int32]
    """[column] up to which size of the team, exclusive, all candidates win the column, or, negated, all lose it."""


@dataclass(frozen=True, eq=False)
class AccuracyTeam:
    """Scored by accuracy under the mean of probabilities or of votes."""

    given: Given
    rows: float
    """All rows, as often as they count."""
    always_wrong: float
    """Rows that no team gets right, as often as they count."""
    order: Indices
    """[addition] the members, as they came."""
    state: State

    def scores(self, candidates: NDArray[np.int64]) -> Floats:
        """[candidate] the accuracy of the team with each candidate added."""
        members = self.given.rival.shape[1]
        counts = np.bincount(self.order, minlength=members).astype(np.float64)
        unsettled = int(np.count_nonzero(np.abs(self.state.settled) <= len(self.order)))
        count = _count_wrong if unsettled * members < SERIAL else _count_wrong_on_all_cores
        roundings = rounding(members + len(self.order) + 1), rounding(members + len(self.order) + HORIZON + 1)
        wrong = count(self.given, self.state, self.order, counts, *roundings)
        return np.asarray((self.rows - self.always_wrong - wrong[candidates]) / self.rows)

    def added(self, member: int) -> AccuracyTeam:
        """The team with one member more."""
        sums, added, settled = self.state
        state = State(sums.copy(), added.copy(), settled.copy())
        return replace(self, order=np.append(self.order, member), state=state)


def accuracy_team(columns: Columns, weights: Floats) -> AccuracyTeam | SmallAccuracyTeam | VoteTeam:
    """The empty team over the rows of the validation set, as often as each counts [row]."""
    if columns.votes.all():
        return vote_team(columns, weights)
    if columns.rival.size < SMALL:
        return small_accuracy_team(columns, weights)
    three = columns.rival_first & ~columns.votes  # no number of whole votes is as close to a tie of three
    given = Given(
        columns.truth,
        columns.rival,
        columns.rival_first,
        columns.first,
        columns.factor,
        columns.limits,
        np.where(three, columns.doubt, 0.0),
        columns.votes,
        weights[columns.row],
    )
    width = len(columns.rival)
    state = State(np.zeros(width), np.zeros(width, dtype=np.int32), np.zeros(width, dtype=np.int32))
    wrong = float(weights[columns.always_wrong].sum())
    return AccuracyTeam(given, float(weights.sum()), wrong, np.zeros(0, dtype=np.int64), state)


@compiled_parallel
def _count_wrong_on_all_cores(
    given: Given, state: State, order: Indices, counts: Floats, now: float, later: float
) -> Floats:
    """[member] as `_count_wrong`."""
    rows = given.first.size - 1
    wrong = np.zeros((PARTS, counts.size))
    for part in span(PARTS):
        start, stop = part * rows // PARTS, (part + 1) * rows // PARTS
        _count_wrong_rows(given, state, order, counts, now, later, start, stop, wrong[part])
    total: Floats = wrong.sum(axis=0)
    return total


@compiled
def _count_wrong(given: Given, state: State, order: Indices, counts: Floats, now: float, later: float) -> Floats:
    """[member] the rows that are wrong with each member added, as often as they count.

    Args:
        given: of all members.
        state: of the team.
        order: [addition] of its members.
        counts: [member] how often each is in it.
        now: the bound of rounding, relative, with one member more.
        later: that with `HORIZON` more.
    """
    wrong = np.zeros(counts.size)
    _count_wrong_rows(given, state, order, counts, now, later, 0, given.first.size - 1, wrong)
    return wrong


@compiled
def _count_wrong_rows(
    given: Given,
    state: State,
    order: Indices,
    counts: Floats,
    now: float,
    later: float,
    begin: int,
    end: int,
    wrong: Floats,
) -> None:
    """Add the rows from `begin` to `end` to `wrong` [member]."""
    lost, margins = np.empty(counts.size, dtype=np.int64), np.empty(counts.size)
    everybody = 0.0
    for row in range(begin, end):
        if given.repeats[row] > 0:
            found = _look_at_row(given, state, order, counts, now, later, row, margins, lost)
            if found == ALL:
                everybody += given.repeats[row]
            elif found == SOME:
                for member in range(counts.size):
                    wrong[member] += given.repeats[row] * lost[member]
    wrong += everybody


@compiled
def _look_at_row(
    given: Given,
    state: State,
    order: Indices,
    counts: Floats,
    now: float,
    later: float,
    row: int,
    margins: Floats,
    lost: Indices,
) -> int:
    """Whether nobody has a row wrong, everybody, or some: then `lost` [member] says who. `margins` is room to work."""
    size, found = order.size, NOBODY
    for column in range(given.first[row], given.first[row + 1]):
        settled = state.settled[column]
        if settled > size:
            continue
        outcome = ALL if -settled > size else _look(given, state, order, row, column, now, later)
        if outcome == ALL:
            return ALL
        if outcome == NOBODY:
            continue
        if found == NOBODY:
            lost[:] = 0
            found = SOME
        error = 0.0 if given.votes[column] else now * (size + 1) * given.limits[column, 2] + SMALLEST
        doubt = error + given.doubt[column] * (size + 1)
        fill_margins(given.truth[row], given.rival[column], given.factor[column], state.sums[column], margins)
        if add_lost(margins, given.rival_first[column], error, doubt, lost):
            start, stop = given.first[row], given.first[row + 1]
            rival, rival_first = given.rival[start:stop], given.rival_first[start:stop]
            decide(given.truth[row], rival, rival_first, counts, margins <= error, lost)
    return found


@compiled
def _look(given: Given, state: State, order: Indices, row: int, column: int, now: float, later: float) -> int:
    """Bring the sum of a column up to date, and say whether with some candidates, all or none of them it is lost.

    Note as well for how many more additions that is sure.
    """
    size, total = order.size, state.sums[column]
    for place in range(state.added[column], size):
        member = order[place]
        total += given.truth[row, member] - given.rival[column, member] * given.factor[column]
    state.sums[column], state.added[column] = total, size
    least, most, scale = given.limits[column, 0], given.limits[column, 1], given.limits[column, 2]
    rounded, rounded_later = 0.0, 0.0
    if not given.votes[column]:
        rounded, rounded_later = now * (size + 1) * scale + SMALLEST, later * (size + HORIZON) * scale + SMALLEST
    if total + least > rounded:
        state.settled[column] = size + _additions(total - 2 * rounded_later - GUARD, -least)
        return NOBODY
    three = given.doubt[column]
    if total + most < -(rounded + three * (size + 1)):
        within = 2 * rounded_later + three * (size + HORIZON) + GUARD
        state.settled[column] = -(size + _additions(-total - within, most))
        return ALL
    return SOME


@compiled
def _additions(distance: float, step: float) -> int:
    """How many additions of at most `step` stay within a distance, up to `HORIZON`."""
    if distance <= 0:
        return 0
    if step * HORIZON <= distance:
        return HORIZON
    return int(distance / step)
