"""The accuracy of every subset of the members: how many rows are right, exact to the last row.

`tables` says how one comparison of integers decides a column for a team. Here they are counted, for teams in blocks
whose counts stay in the cache, on all cores. Sums in another order round in another way: where a margin is within the
bound of rounding, the team is decided once more as the definition decides it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.scoring.kernels.columns import Columns
from lrensemble.select.scoring.kernels.exhaustive.tables import Tables, near_ties, tabulate
from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span
from lrensemble.select.scoring.kernels.subsets import Halves

MAX_ROWS = 30_000
"""Contested rows counted together: counts have 16 bits."""

Ranks = NDArray[np.int16]
Decide = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]
"""From contested rows [pair] and masks of teams [pair] to whether the row is wrong, by the definition."""


def wrong_rows(columns: Columns, halves: Halves, table_bytes: int, decide: Decide) -> NDArray[np.int32]:
    """For each team of a block, in how many contested rows it is wrong.

    Args:
        columns: of all members.
        halves: the block; position p in it is the team `top << bits | p`.
        table_bytes: memory for tables; rows are taken in parts that fit it.
        decide: the definition, for margins too close to call.

    Returns:
        [2^bits] counts. That of the empty team means nothing.
    """
    wrong = np.zeros(1 << halves.bits, dtype=np.int32)
    columns_at_once = max(1, table_bytes // (2 * ((1 << halves.low) + (1 << halves.high))))
    start = 0
    while start < len(columns.row):
        fitting = int(np.searchsorted(columns.first, columns.first[start] + columns_at_once, side="right")) - 1
        stop = min(max(fitting, start + 1), start + MAX_ROWS)
        tables = tabulate(columns, start, stop, halves)
        _count(tables.rank, tables.losing, tables.first, wrong)
        _correct(columns, tables, start, halves, decide, wrong)
        start = stop
    return wrong


def _correct(
    columns: Columns, tables: Tables, start: int, halves: Halves, decide: Decide, wrong: NDArray[np.int32]
) -> None:
    """Decide the teams that are too close to call by the definition, and mend their counts."""
    begin = int(columns.first[start])
    close = np.flatnonzero(tables.close)
    if not len(close):
        return
    teams = [near_ties(columns, begin + column, halves) for column in close.tolist()]
    row_of_column = np.searchsorted(tables.first, close, side="right") - 1
    pairs = np.stack([np.repeat(row_of_column, [len(found) for found in teams]), np.concatenate(teams)])
    rows, positions = np.unique(pairs, axis=1)
    decided = decide(rows + start, positions | halves.top << halves.bits)
    counted = _lost(tables.rank, tables.losing, tables.first, rows, positions)
    np.add.at(wrong, positions, decided.astype(np.int32) - counted)


@compiled_parallel
def _count(rank: Ranks, losing: Ranks, first: NDArray[np.int64], wrong: NDArray[np.int32]) -> None:
    """Add to `wrong` [2^bits] the rows in which a team loses a column."""
    low_size, high_size = rank.shape[1], losing.shape[1]
    block = max(1, min(16, high_size // 4))
    most = 0
    for row in range(first.size - 1):
        most = max(most, first[row + 1] - first[row])
    for part in span(high_size // block):
        counts = np.zeros((block, low_size), dtype=np.int16)
        flags = np.empty(low_size, dtype=np.int16)
        open_columns = np.empty(most, dtype=np.int64)
        for row in range(first.size - 1):
            for offset in range(block):
                subset = part * block + offset
                opened = _open_columns(losing, first[row], first[row + 1], subset, low_size, open_columns)
                if opened < 0:
                    for low in range(low_size):
                        counts[offset, low] += np.int16(1)
                elif opened:
                    _add_lost(rank, losing, open_columns[:opened], subset, flags, counts[offset])
        for offset in range(block):
            begin = (part * block + offset) * low_size
            for low in range(low_size):
                wrong[begin + low] += counts[offset, low]


@compiled
def _open_columns(losing: Ranks, start: int, stop: int, subset: int, low_size: int, found: NDArray[np.int64]) -> int:
    """List the columns that some low subsets lose with this high subset; -1 if all lose one of them."""
    count = 0
    for column in range(start, stop):
        if losing[column, subset] == low_size:
            return -1
        if losing[column, subset] > 0:
            found[count] = column
            count += 1
    return count


@compiled
def _add_lost(rank: Ranks, losing: Ranks, columns: NDArray[np.int64], subset: int, flags: Ranks, counts: Ranks) -> None:
    """Add one to every low subset that loses any of the columns. One or two, the usual case, need no flags."""
    last = columns.size - 1
    ranks, bound = rank[columns[last]], losing[columns[last], subset]
    if last == 0:
        for low in range(counts.size):
            counts[low] += np.int16(ranks[low] < bound)
        return
    other_ranks, other_bound = rank[columns[0]], losing[columns[0], subset]
    if last == 1:
        for low in range(counts.size):
            counts[low] += np.int16((ranks[low] < bound) | (other_ranks[low] < other_bound))
        return
    for low in range(counts.size):
        flags[low] = np.int16(other_ranks[low] < other_bound)
    for middle in range(1, last):
        other_ranks, other_bound = rank[columns[middle]], losing[columns[middle], subset]
        for low in range(counts.size):
            flags[low] |= np.int16(other_ranks[low] < other_bound)
    for low in range(counts.size):
        counts[low] += flags[low] | np.int16(ranks[low] < bound)


@compiled
def _lost(
    rank: Ranks, losing: Ranks, first: NDArray[np.int64], rows: NDArray[np.int64], positions: NDArray[np.int64]
) -> NDArray[np.int32]:
    """[pair] one where `_count` has counted this row for this team, else zero."""
    low_size = rank.shape[1]
    lost = np.zeros(rows.size, dtype=np.int32)
    for pair in range(rows.size):
        low, high = positions[pair] % low_size, positions[pair] // low_size
        for column in range(first[rows[pair]], first[rows[pair] + 1]):
            if rank[column, low] < losing[column, high]:
                lost[pair] = 1
    return lost
