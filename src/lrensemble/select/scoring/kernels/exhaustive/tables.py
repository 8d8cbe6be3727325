"""Tables from which one comparison of integers decides a column for a team.

For one column, the margin (truth minus rival) of a team is a sum over its members. The members are split in two halves
and the sums over all subsets of each half are tabulated; a team is then one addition and one comparison with zero
(Horowitz & Sahni 1974). The addition is saved too: with the sums of the low half sorted, all that is left to know about
a subset of the high half is how many of the low sums lose with it. A team loses a column if the *rank* of its low
subset is below that number: integers of 16 bits, 32 of which are compared by one instruction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrensemble.numerics import TIE
from lrensemble.select.scoring.kernels.columns import Columns
from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span
from lrensemble.select.scoring.kernels.subsets import Halves, size_of, sorted_subset_sums, subset_sums

Floats = NDArray[np.float64]


class Rows(NamedTuple):
    """Contested rows, as `Columns` has them."""

    truth: Floats
    rival: Floats
    rival_first: NDArray[np.bool_]
    first: NDArray[np.int64]
    logarithms: bool


@dataclass(frozen=True, eq=False)
class Tables:
    """What decides the columns of some contested rows."""

    first: NDArray[np.int64]
    """[row + 1], where each row's columns begin."""
    rank: NDArray[np.int16]
    """[column, 2^low], the rank of each low subset's sum of margins."""
    losing: NDArray[np.int16]
    """[column, 2^high], how many low subsets lose together with each high subset."""
    close: NDArray[np.bool_]
    """[column], whether rounding, or a tie of three, might decide some team otherwise."""


def tabulate(columns: Columns, start: int, stop: int, halves: Halves) -> Tables:
    """The tables of the contested rows from `start` to `stop`."""
    part = slice(columns.first[start], columns.first[stop])
    margins = columns.margins(part)
    rank = np.empty((len(margins), 1 << halves.low), dtype=np.int16)
    losing = np.empty((len(margins), 1 << halves.high), dtype=np.int16)
    close = np.empty(len(margins), dtype=bool)
    shared = margins[:, halves.shared(margins.shape[1])].sum(axis=1)
    error, rival_first, empty = columns.error(part), columns.rival_first[part], halves.top == 0
    first, doubt = columns.first[start : stop + 1] - part.start, _doubt(columns, part, error)
    rows = Rows(columns.truth[start:stop], columns.rival[part], rival_first, first, columns.logarithms)
    row_of_column, others = columns.row_of_column[part] - start, halves.top << halves.bits
    _fill(margins, shared, error, doubt, row_of_column, rows, others, empty, rank, losing, close)
    return Tables(first, rank, losing, close)


def _doubt(columns: Columns, part: slice, error: Floats) -> Floats:
    """[column] how far below zero the margin of a team may be in a tie of three, for any team."""
    some = columns.rival_first[part] & (error > 0)
    return np.where(some, columns.doubt[part] * columns.rival.shape[1], 0.0)


def near_ties(columns: Columns, column: int, halves: Halves) -> NDArray[np.int64]:
    """Teams of the block, as positions in it, whose margin in a column is too close to zero to decide by it.

    The bound of rounding holds for the team of all members; here it is scaled to the members of each team.
    """
    part = slice(column, column + 1)
    margins, scale, error = columns.margins(part)[0], columns.scale(part)[0], columns.error(part)[0]
    shared = halves.shared(len(margins))
    sums = [_sums_of_halves(terms, shared, halves) for terms in (margins, scale)]
    doubt = _doubt(columns, part, columns.error(part))[0]
    return _within(*sums[0], *sums[1], float(error), float(doubt), float(scale.sum()))


def _sums_of_halves(terms: Floats, shared: list[int], halves: Halves) -> tuple[Floats, Floats]:
    low, high = np.empty(1 << halves.low), np.empty(1 << halves.high)
    subset_sums(terms[: halves.low], low)
    subset_sums(terms[halves.low : halves.bits], high)
    return low, high + terms[shared].sum()


@compiled
def _within(
    low_sums: Floats,
    high_sums: Floats,
    low_scale: Floats,
    high_scale: Floats,
    error: float,
    doubt: float,
    full_scale: float,
) -> NDArray[np.int64]:
    order = np.argsort(low_sums)
    rising = low_sums[order]
    found = [np.int64(0) for _ in range(0)]
    for high in range(high_sums.size):
        at = np.searchsorted(rising, -high_sums[high] - error - doubt)
        while at < rising.size and rising[at] <= -high_sums[high] + error:
            scale = low_scale[order[at]] + high_scale[high]
            margin, within = rising[at] + high_sums[high], error * (scale / full_scale) + 1e-320
            if scale > 0 and -doubt - within <= margin <= within:
                found.append(np.int64(high * rising.size + order[at]))
            at += 1
    return np.array(found, dtype=np.int64)


@compiled_parallel
def _fill(
    margins: Floats,
    shared: Floats,
    error: Floats,
    doubt: Floats,
    row_of_column: NDArray[np.int64],
    rows: Rows,
    others: int,
    empty: bool,
    rank: NDArray[np.int16],
    losing: NDArray[np.int16],
    close: NDArray[np.bool_],
) -> None:
    """Fill `rank`, `losing` and `close`.

    `others` is the mask of members that all teams share; `empty` says whether the block holds the empty team, which is
    no team.
    """
    low_size, high_size = rank.shape[1], losing.shape[1]
    low, high = int(np.log2(low_size)), int(np.log2(high_size))
    for column in span(margins.shape[0]):
        low_sums, low_masks, need = np.empty(low_size), np.empty(low_size, dtype=np.int32), np.empty(high_size)
        sorted_subset_sums(margins[column, :low], low_sums, low_masks)
        for position in range(low_size):
            rank[column, low_masks[position]] = position
        subset_sums(margins[column, low : low + high], need)
        need += shared[column]
        np.negative(need, need)  # the low half loses if it has less
        _count_below(low_sums, need, rows.rival_first[column], losing[column])
        position_of_empty = rank[column, 0] if empty else -1
        close[column] = error[column] > 0 and (
            _any_close(low_sums, need, losing[column], error[column], position_of_empty)
            or _any_tie_of_three(
                low_sums, low_masks, need, losing[column], doubt[column], rows, row_of_column[column], others
            )
        )


@compiled
def _count_below(rising: Floats, need: Floats, or_equal: bool, count: NDArray[np.int16]) -> None:
    """For each need, how many sums of a list of 2^n are below it: n halvings, all needs side by side."""
    position = np.zeros(need.size, dtype=np.uint64)
    step = rising.size >> 1
    while step:
        jump, look = np.uint64(step), np.uint64(step - 1)
        for i in range(need.size):
            other = rising[position[i] + look]
            position[i] += jump if (other < need[i]) | (or_equal & (other == need[i])) else np.uint64(0)
        step >>= 1
    for i in range(need.size):
        other = rising[position[i]]
        count[i] = position[i] + np.uint64((other < need[i]) | (or_equal & (other == need[i])))


@compiled
def _any_close(rising: Floats, need: Floats, count: NDArray[np.int16], error: float, position_of_empty: int) -> bool:
    """Whether a sum is within `error` of a need; the empty low subset does not count with the empty high one."""
    for i in range(need.size):
        before, after = int(count[i]) - 1, int(count[i])
        if i == 0 and position_of_empty >= 0:
            before, after = position_of_empty - 1, position_of_empty + 1
        if before >= 0 and rising[before] >= need[i] - error:
            return True
        if after < rising.size and rising[after] <= need[i] + error:
            return True
    return False


@compiled
def _any_tie_of_three(
    rising: Floats,
    masks: NDArray[np.int32],
    need: Floats,
    count: NDArray[np.int16],
    doubt: float,
    rows: Rows,
    row: int,
    others: int,
) -> bool:
    """Whether a team that loses a column by less than `doubt` may have the row right all the same."""
    if doubt == 0:
        return False
    low_size = rising.size
    for i in range(need.size):
        before = int(count[i]) - 1
        while before >= 0 and rising[before] >= need[i] - doubt:
            team = others | i * low_size | masks[before]
            if team and _tie_of_three(rows, row, team):
                return True
            before -= 1
    return False


@compiled
def _tie_of_three(rows: Rows, row: int, team: int) -> bool:
    """Whether the truth ties with a lower and with a higher class that do not tie, or so nearly that it is not sure."""
    truth, lower, higher = _sum_of(rows.truth[row], team), -np.inf, -np.inf
    for column in range(rows.first[row], rows.first[row + 1]):
        total = _sum_of(rows.rival[column], team)
        if rows.rival_first[column]:
            lower = max(lower, total)
        else:
            higher = max(higher, total)
    if rows.logarithms:
        size = size_of(team)
        truth, lower, higher = 1.0, np.exp((lower - truth) / size), np.exp((higher - truth) / size)
    tie, nearly = 1 - TIE, 1 + 1e-9
    return lower * nearly >= truth * tie and higher * tie <= truth * nearly and lower <= higher * tie * nearly


@compiled
def _sum_of(values: Floats, team: int) -> float:
    total = 0.0
    for member in range(values.size):
        if team >> member & 1:
            total += values[member]
    return total
