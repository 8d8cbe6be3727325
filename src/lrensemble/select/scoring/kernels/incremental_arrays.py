"""The accuracy of a team with each candidate added, for pools so small that no kernel is worth compiling or loading.

All margins of all candidates are looked at; what is too close to call is decided as in `incremental_accuracy`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lrensemble.numerics import TIE
from lrensemble.select.scoring.kernels.columns import SMALLEST, Columns, rounding

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SmallAccuracyTeam:
    """Scored by accuracy under the mean of probabilities or of votes."""

    columns: Columns
    margins: Floats
    """[column, member]"""
    doubt: Floats
    """[column] of a tie of three, for a team of one; zero where it needs no look."""
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

    def scores(self, candidates: NDArray[np.int64]) -> Floats:
        """[candidate] the accuracy of the team with each candidate added."""
        right = self.rows - self.always_wrong
        if not len(self.repeats):
            return np.full(len(candidates), right / self.rows)
        return np.asarray((right - self.repeats @ self._wrong(candidates)) / self.rows)

    def _wrong(self, candidates: Indices) -> NDArray[np.bool_]:
        """[contested row, candidate] whether the row is wrong."""
        columns, size = self.columns, self.counts.sum() + 1
        sums = self.sums[:, None] + self.margins[:, candidates]
        error = rounding(len(self.counts) + int(size)) * size * columns.limits[:, 2] + SMALLEST
        lost = sums < -(error + self.doubt * size)[:, None]
        close = ~lost & (sums <= error[:, None])
        votes = columns.votes  # margins are exact, and zero where nobody votes for either
        lost[votes] = sums[votes] <= np.where(columns.rival_first[votes], 0.0, -0.5)[:, None]
        close[votes] = False
        starts = columns.first[:-1]
        wrong = np.logical_or.reduceat(lost, starts, axis=0)
        rows, places = np.nonzero(np.logical_or.reduceat(close, starts, axis=0) & ~wrong)
        wrong[rows, places] = self._decided(rows, candidates[places])
        return np.asarray(wrong)

    def _decided(self, rows: Indices, candidates: Indices) -> NDArray[np.bool_]:
        """[pair] whether a row is wrong with a candidate."""
        size = self.counts.sum() + 1
        return wrong_by_adding(self.columns, rows, lambda member: (self.counts[member] + (candidates == member)) / size)

    def added(self, member: int) -> SmallAccuracyTeam:
        """The team with one member more."""
        counts = self.counts.copy()
        counts[member] += 1
        return replace(self, counts=counts, sums=self.sums + self.margins[:, member])


def small_accuracy_team(columns: Columns, weights: Floats) -> SmallAccuracyTeam:
    """The empty team over the rows of the validation set, as often as each counts [row]."""
    return SmallAccuracyTeam(
        columns,
        columns.margins(slice(None)),
        np.where(columns.rival_first & ~columns.votes, columns.doubt, 0.0),
        weights[columns.row],
        float(weights.sum()),
        float(weights[columns.always_wrong].sum()),
        np.zeros(columns.rival.shape[1]),
        np.zeros(len(columns.rival)),
    )


def wrong_by_adding(columns: Columns, rows: Indices, share_of: Callable[[int], Floats]) -> NDArray[np.bool_]:
    """[pair] whether contested rows [pair] are wrong, as the consensus adds: each member times its share, in order.

    Args:
        columns: contested, of probabilities or votes.
        rows: one for each pair of a row and a team.
        share_of: from a member to its share [pair] in the team of each pair.
    """
    widths = np.diff(columns.first)[rows]
    pair_of = np.repeat(np.arange(len(rows)), widths)
    column_of = np.arange(len(pair_of)) - np.repeat(np.cumsum(widths) - widths, widths) + columns.first[rows][pair_of]
    truth, rival = np.zeros(len(rows)), np.zeros(len(pair_of))
    for member in range(columns.rival.shape[1]):
        share = share_of(member)
        truth += columns.truth[rows, member] * share
        rival += columns.rival[column_of, member] * share[pair_of]
    highest = np.full((2, len(rows)), -1.0)
    np.maximum.at(highest, (columns.rival_first[column_of].astype(np.int64), pair_of), rival)
    higher, lower = highest
    return wrong_by_definition(truth, lower, higher)


def wrong_by_definition(truth: Floats, lower: Floats, higher: Floats) -> NDArray[np.bool_]:
    """`columns.is_wrong` of many rows."""
    return np.asarray((truth < higher * (1 - TIE)) | (lower >= np.maximum(truth, higher) * (1 - TIE)))
