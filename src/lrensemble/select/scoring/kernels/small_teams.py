"""The accuracy of every team of a few sizes, for pools that have too many subsets to look at them all.

Teams that share all but their last member share the sums of margins too: each of them is one addition and one
comparison for a contested column. Rows are sorted by how many columns they have, so that the first columns of all rows
lie side by side, then the second ones, and a row's lowest margin is found for many rows by one instruction. Margins are
whole numbers of 16 bits, of which four times as many as of float64 fit one: multiples of the smallest unit of which the
largest sum still fits. What rounding to units might decide otherwise is decided as the definition decides it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.scoring.kernels.columns import SMALLEST, Columns, is_wrong
from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span

Floats = NDArray[np.float64]
Units = NDArray[np.int16]
Indices = NDArray[np.int64]

LANES = 32
"""Numbers that one instruction compares: rows are filled up to a multiple with some that are always won."""

LARGEST_SUM = 2**15 - 1
"""Largest sum of units."""

BLOCK_ROWS = 1024
"""Rows that are looked at together: the sums of a few teams over them stay in the first cache of a core."""

PARTS = 16
"""Parts that teams are cut into for the cores."""

SERIAL = 2**22
"""Below so many margins, waking the other cores costs more than it saves."""

TEAMS = 2**20
"""Teams that are scored together, about."""


@dataclass(frozen=True, eq=False)
class TeamBatch:
    """Teams of one size: each prefix with every later member, in the order of their indices."""

    prefixes: Indices
    """[prefix, member of it]"""
    first: Indices
    """[prefix + 1], where the teams of each prefix begin."""

    def team(self, place: int) -> tuple[int, ...]:
        """The members of a team."""
        prefix = int(np.searchsorted(self.first, place, side="right")) - 1
        members: list[int] = self.prefixes[prefix].tolist()
        return (*members, (members[-1] + 1 if members else 0) + place - int(self.first[prefix]))


def batches(members: int, size: int) -> Iterator[TeamBatch]:
    """All teams of a size, some at a time, in the order of their indices."""
    prefixes = itertools.combinations(range(members - 1), size - 1)
    prefixes_per_batch = max(1, TEAMS // members)
    while some := list(itertools.islice(prefixes, prefixes_per_batch)):
        found = np.array(some, dtype=np.int64).reshape(len(some), size - 1)
        last = found[:, -1] if size > 1 else np.array([-1])
        yield TeamBatch(found, np.append(0, np.cumsum(members - 1 - last)))


def shares_of(batch: TeamBatch) -> Indices:
    """[part + 1] where the prefixes of each part begin, so that all have about as many teams."""
    shares = np.searchsorted(batch.first, np.linspace(0, batch.first[-1], PARTS + 1))
    shares[-1] = len(batch.prefixes)
    return shares


class Blocks(NamedTuple):
    """Contested rows in blocks of one weight, those of a weight with most columns first."""

    rows: Indices
    """[row] their places among the contested rows."""
    first: Indices
    """[block + 1] where each block's rows begin."""
    weight: Floats
    """[block] how often each of its rows counts."""
    slots: Indices
    """[slot] how many rows have so many columns and more, filled up: of each block one after another."""
    first_slot: Indices
    """[block + 1] where each block's slots begin."""
    margins: Units
    """[member · column] of each block all members, and of each the first columns of its rows, then the second, …"""
    start: Indices
    """[block + 1] where each block's margins begin."""


def arranged(columns: Columns, repeats: Floats, largest: int) -> Blocks:
    """The contested rows, as often as `repeats` [contested row] says, for teams of `largest` members at most."""
    widths = np.diff(columns.first)
    rows = np.lexsort((-widths, repeats))
    rows = rows[repeats[rows] > 0]
    of_weights = np.split(rows, np.flatnonzero(np.diff(repeats[rows])) + 1)
    blocks = [each[at : at + BLOCK_ROWS] for each in of_weights for at in range(0, len(each), BLOCK_ROWS)]
    parts, slots, unit = [], [], unit_of(columns, largest)
    for block in blocks:
        of_block = [
            _slot(columns, columns.first[block[widths[block] > slot]] + slot, unit)
            for slot in range(int(widths[block[0]]))
        ]
        parts.append(np.concatenate(of_block, axis=1))
        slots.append([values.shape[1] for values in of_block])
    return Blocks(
        rows,
        _ends([len(block) for block in blocks]),
        np.array([repeats[block[0]] for block in blocks]),
        np.array([size for of_block in slots for size in of_block], dtype=np.int64),
        _ends([len(of_block) for of_block in slots]),
        _aligned(parts),
        _ends([part.size for part in parts]),
    )


def unit_of(columns: Columns, largest: int) -> float:
    """The unit of margins for teams of so many members at most, under a mean of probabilities or of votes.

    A sum of n margins is off by n/2 units, since each is rounded, and by less than half a unit for a tie of three, in
    doubt by 2 · 2^-18 of the largest value, for what the definition rounds and for what may underflow.
    """
    most = max(columns.truth.max(initial=0.0), columns.rival.max(initial=0.0))
    return float(largest * (most / (LARGEST_SUM - largest) + 8 * SMALLEST))


def _slot(columns: Columns, chosen: Indices, unit: float) -> Units:
    """[member, row] the margins of one column of each row, filled up."""
    truth, rival = columns.truth[columns.row_of_column[chosen]], columns.rival[chosen]
    margins = np.ones((truth.shape[1], -(-len(chosen) // LANES) * LANES), dtype=np.int16)
    margins[:, : len(chosen)] = np.rint((truth - rival * columns.factor[chosen, None]).T / unit)
    return margins


def _ends(sizes: list[int]) -> Indices:
    return np.append(0, np.cumsum(sizes, dtype=np.int64))


def _aligned(parts: list[Units]) -> Units:
    """The parts, flat, where loads of whole vectors cross no line of the cache."""
    size = sum(part.size for part in parts)
    room = np.empty(size + LANES, dtype=np.int16)
    offset = -room.ctypes.data % 64 // 2
    np.concatenate([np.zeros(0, dtype=np.int16), *(part.ravel() for part in parts)], out=room[offset : offset + size])
    return room[offset : offset + size]


class Judge(NamedTuple):
    """What decides a row by the definition."""

    truth: Floats
    rival: Floats
    rival_first: NDArray[np.bool_]
    first: Indices


def judge(columns: Columns) -> Judge:
    """What decides rows of these columns."""
    return Judge(columns.truth, columns.rival, columns.rival_first, columns.first)


def wrong_rows(blocks: Blocks, judge: Judge, members: int, batch: TeamBatch) -> Floats:
    """[team] how many of the contested rows are wrong, as often as they count."""
    wrong = np.zeros(batch.first[-1])
    prefixes, first = batch.prefixes, batch.first
    if blocks.margins.size // members * len(wrong) < SERIAL:
        for block in range(len(blocks.weight)):
            _count_block(blocks, block, judge, members, prefixes, first, 0, len(prefixes), wrong)
    else:
        _count(blocks, judge, members, prefixes, first, shares_of(batch), wrong)
    return wrong


@compiled_parallel
def _count(
    blocks: Blocks, judge: Judge, members: int, prefixes: Indices, first: Indices, shares: Indices, wrong: Floats
) -> None:
    """Add the rows that each team has wrong to `wrong` [team]."""
    for part in span(shares.size - 1):
        for block in range(blocks.start.size - 1):
            _count_block(blocks, block, judge, members, prefixes, first, shares[part], shares[part + 1], wrong)


@compiled
def _count_block(
    blocks: Blocks,
    block: int,
    judge: Judge,
    members: int,
    prefixes: Indices,
    first: Indices,
    begin: int,
    end: int,
    wrong: Floats,
) -> None:
    """Add one block's rows for the teams of the prefixes from `begin` to `end`."""
    rows = blocks.rows[blocks.first[block] : blocks.first[block + 1]]
    slots = blocks.slots[blocks.first_slot[block] : blocks.first_slot[block + 1]]
    count, depth = (blocks.start[block + 1] - blocks.start[block]) // members, prefixes.shape[1]
    margins = blocks.margins[blocks.start[block] : blocks.start[block + 1]].reshape(members, count)
    sums, lowest, before = _room(depth + 1, count), _room(1, slots[0])[0], np.full(depth, -1)
    sums[0], surely = 0, np.int16((depth + 1) // 2)
    for prefix in range(begin, end):
        same = True
        for level in range(depth):
            member = prefixes[prefix, level]
            same = same and member == before[level]
            if not same:
                _add(sums[level], margins[member], sums[level + 1])
                before[level] = member
        last = before[depth - 1] if depth else -1
        for member in range(last + 1, members):
            _fill_lowest(sums[depth], margins[member], slots, lowest)
            lost, close = _lost_and_close(lowest, surely)
            if close:
                lost += _decided(rows, judge, lowest, surely, before, member)
            wrong[first[prefix] + member - last - 1] += lost * blocks.weight[block]


@compiled
def _room(rows: int, columns: int) -> Units:
    """Room for numbers whose rows, of a multiple of `LANES`, are aligned."""
    room = np.empty(rows * columns + LANES, dtype=np.int16)
    offset = (64 - room.ctypes.data % 64) % 64 // 2
    return room[offset : offset + rows * columns].reshape(rows, columns)


@compiled
def _add(values: Units, more: Units, sums: Units) -> None:
    for column in range(sums.size):
        sums[column] = np.int16(values[column] + more[column])


@compiled
def _fill_lowest(sums: Units, margins: Units, slots: Indices, lowest: Units) -> None:
    """Fill `lowest` [row] with each row's lowest margin, of teams whose sums without one member are given."""
    for row in range(slots[0]):
        lowest[row] = np.int16(sums[row] + margins[row])
    start = slots[0]
    for slot in range(1, slots.size):
        stop = start + slots[slot]
        own, more = sums[start:stop], margins[start:stop]  # no index plus start, which numba takes for one below zero
        for row in range(stop - start):
            lowest[row] = min(np.int16(own[row] + more[row]), lowest[row])
        start = stop


@compiled
def _lost_and_close(lowest: Units, surely: np.int16) -> tuple[int, int]:
    """How many rows are lost by more than `surely`, and how many are neither lost nor won by more."""
    below, not_won = np.int16(0), np.int16(0)  # added by whole vectors as they are; blocks are short
    for row in range(lowest.size):
        below = np.int16(below + np.int16(lowest[row] < -surely))
        not_won = np.int16(not_won + np.int16(lowest[row] <= surely))
    return int(below), int(not_won) - int(below)


@compiled
def _decided(rows: Indices, judge: Judge, lowest: Units, surely: np.int16, prefix: Indices, member: int) -> int:
    """How many of the rows too close to call are wrong by the definition."""
    wrong = 0
    for start in range(0, rows.size, LANES):
        _, close = _lost_and_close(lowest[start : start + LANES], surely)
        if close:
            for place in range(start, min(start + LANES, rows.size)):
                if -surely <= lowest[place] <= surely:
                    wrong += _is_wrong(rows[place], judge, prefix, member)
    return wrong


@compiled
def _is_wrong(row: int, judge: Judge, prefix: Indices, member: int) -> bool:
    """Whether a team has a contested row wrong by the definition."""
    lower, higher = -1.0, -1.0
    for column in range(judge.first[row], judge.first[row + 1]):
        for_rival = _mean(judge.rival[column], prefix, member)
        if judge.rival_first[column]:
            lower = max(lower, for_rival)
        else:
            higher = max(higher, for_rival)
    return is_wrong(_mean(judge.truth[row], prefix, member), lower, higher)


@compiled
def _mean(values: Floats, prefix: Indices, member: int) -> float:
    """The mean of a team as the consensus adds it: each member times its weight, in the members' order."""
    weight = 1.0 / (prefix.size + 1)
    total = 0.0
    for place in range(prefix.size):
        total += values[prefix[place]] * weight
    return float(total + values[member] * weight)
