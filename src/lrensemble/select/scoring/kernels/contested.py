"""Which pairs of a row and a rival class are contested: won by some teams and lost by others.

Nearly none are. Where every member prefers the truth it always wins, and where every member prefers the rival the row
is always wrong. A column is also left out where another one of its row is lost whenever this one is.

The members' log-probabilities, or votes, are compared one by one, and what follows from that holds for the rounded sums
of float64 too, not only for real numbers: rounding is monotone, so sums of larger terms, taken in the same order, are
never smaller; and a gap of `SLACK` is more than a tie and rounding can close.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrensemble.numerics import TIE
from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span

Floats = NDArray[np.float64]

SLACK = 2 * TIE
"""A gap between log-probabilities, or votes, that no tie and no rounding closes."""

SMALL = 2**18
"""Below so many numbers, comparing whole arrays costs less than to compile, or to load, a kernel."""

UNDERFLOW = -700.0
"""Log-probabilities below this may be equal as probabilities: no gap between them counts."""


@dataclass(frozen=True, eq=False)
class Contested:
    """Contested columns of some rows."""

    row: NDArray[np.int64]
    """[contested row] rows that have a column."""
    row_of_column: NDArray[np.int64]
    """[column] the row of each, rising."""
    rival: NDArray[np.int64]
    """[column] the rival class of each."""
    always_wrong: NDArray[np.int64]
    """[row] rows that are wrong for every team."""


def contested(values: NDArray[np.floating], labels: NDArray[np.int64]) -> Contested:
    """The contested columns of values [member, sample, class], float32 or float64: log-probabilities or votes."""
    if values.size < SMALL:
        return _by_arrays(values, labels)
    keep = np.zeros(values.shape[1:], dtype=bool)
    always_wrong = np.zeros(len(labels), dtype=bool)
    _mark(values, labels, keep, always_wrong)
    rows, rivals = np.nonzero(keep)
    return Contested(np.unique(rows), rows, rivals, np.flatnonzero(always_wrong))


def _by_arrays(values: NDArray[np.floating], labels: NDArray[np.int64]) -> Contested:
    """The contested columns without a kernel."""
    truth = values[:, np.arange(len(labels)), labels]
    row, rival = np.nonzero(_tempting(values, truth, labels))
    first = rival < labels[row]
    of_truth, of_rival = truth[:, row].astype(np.float64), values[:, row, rival].astype(np.float64)
    won, lost = _settled(of_truth, of_rival, first)
    wrong = np.zeros(len(labels), dtype=bool)
    wrong[row[lost]] = True
    kept = np.flatnonzero(~won & ~wrong[row])
    kept = kept[~_dominated(of_rival[:, kept], row[kept], first[kept])]
    return Contested(np.unique(row[kept]), row[kept], rival[kept], np.flatnonzero(wrong))


def _tempting(
    values: NDArray[np.floating], truth: NDArray[np.floating], labels: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """[sample, class] the rivals that some member may prefer: a quick test that settles nearly all."""
    floor = np.where(truth > UNDERFLOW, truth - np.float32(SLACK), -np.inf).astype(values.dtype)
    tempting = np.zeros(values.shape[1:], dtype=bool)
    for of_member, least in zip(values, floor, strict=True):
        tempting |= of_member >= least[:, None]
    tempting[np.arange(len(labels)), labels] = False
    return tempting


def _settled(truth: Floats, rival: Floats, first: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """[column] whether the truth always wins, and whether it always loses, from what each member gives the two.

    Args:
        truth: [member, column].
        rival: [member, column].
        first: [column] whether the rival is the lower class, which wins ties.
    """
    above = ((truth > rival + SLACK) & (truth > UNDERFLOW)).all(axis=0)
    below = ((rival > truth + SLACK) & (rival > UNDERFLOW)).all(axis=0)
    never_above, never_below = (truth <= rival).all(axis=0), (truth >= rival).all(axis=0)
    return above | (never_below & ~first), below | (never_above & first)


def _dominated(rival: Floats, row: NDArray[np.int64], first: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """[column] whether another column of its row is lost whenever this one is; of those alike the last one stays.

    That is where the other's rival has at least as much from every member, and wins ties if this one does.
    """
    dominated = np.zeros(len(row), dtype=bool)
    offset, low = 1, np.flatnonzero(row[:-1] == row[1:])
    while len(low):
        high = low + offset
        by_high = (rival[:, high] >= rival[:, low]).all(axis=0) & (first[high] | ~first[low])
        by_low = (rival[:, low] >= rival[:, high]).all(axis=0) & (first[low] | ~first[high])
        dominated[low] |= by_high
        dominated[high] |= by_low & ~by_high
        offset += 1
        low = low[low + offset < len(row)]
        low = low[row[low] == row[low + offset]]
    return dominated


@compiled_parallel
def _mark(
    values: NDArray[np.floating],
    labels: NDArray[np.int64],
    keep: NDArray[np.bool_],
    always_wrong: NDArray[np.bool_],
) -> None:
    """Mark the contested classes [sample, class] and the rows that are always wrong [sample]."""
    for row in span(values.shape[1]):
        _mark_tempting(values[:, row], labels[row], keep[row])
        rivals = np.flatnonzero(keep[row])
        if rivals.size == 0:
            continue
        truth, others = values[:, row, labels[row]].copy(), np.ascontiguousarray(values[:, row][:, rivals].T)
        for place in range(rivals.size):
            won, lost = _settled_column(truth, others[place], rivals[place] < labels[row])
            keep[row, rivals[place]] = not won
            if lost:
                always_wrong[row] = True
                break
        if always_wrong[row]:
            keep[row] = False
        for place in range(rivals.size):
            if keep[row, rivals[place]]:
                keep[row, rivals[place]] = not _dominated_column(others, rivals, place, labels[row], keep[row])


@compiled
def _mark_tempting(values: NDArray[np.floating], label: int, tempting: NDArray[np.bool_]) -> None:
    """Mark the rivals that some member may prefer, of values [member, class]: a quick test that settles nearly all."""
    for member in range(values.shape[0]):
        truth = values[member, label]
        floor = truth - np.float32(SLACK) if truth > UNDERFLOW else -np.inf
        for rival in range(values.shape[1]):
            tempting[rival] |= values[member, rival] >= floor
    tempting[label] = False


@compiled
def _settled_column(truth: NDArray[np.floating], other: NDArray[np.floating], rival_first: bool) -> tuple[bool, bool]:
    """Whether the truth always wins a column, and whether it always loses it, from what each member gives the two."""
    never_above, never_below, always_above, always_below = True, True, True, True
    for member in range(truth.size):
        never_above &= truth[member] <= other[member]
        never_below &= truth[member] >= other[member]
        always_above &= truth[member] > other[member] + SLACK and truth[member] > UNDERFLOW
        always_below &= other[member] > truth[member] + SLACK and other[member] > UNDERFLOW
    return always_above or (never_below and not rival_first), always_below or (never_above and rival_first)


@compiled
def _dominated_column(
    others: NDArray[np.floating], rivals: NDArray[np.int64], place: int, label: int, keep: NDArray[np.bool_]
) -> bool:
    """Whether another column that is kept is lost whenever this one is.

    That is where its rival has at least as much from every member, and wins ties if this one does.
    """
    for other in range(rivals.size):
        if other != place and keep[rivals[other]] and (rivals[other] < label or rivals[place] > label):
            member = 0
            while member < others.shape[1] and others[other, member] >= others[place, member]:
                member += 1
            if member == others.shape[1]:
                return True
    return False
