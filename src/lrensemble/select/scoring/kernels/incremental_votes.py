"""The accuracy of a team with each candidate added, where members vote: one look at the margin of a row decides it.

A row is right while the votes for the truth reach what its strongest rival asks for: that rival's votes, and one more
where it is the lower class, which wins ties. One vote more moves that margin by one at most. So at a margin of one or
more every candidate leaves the row right, at minus two or less every one leaves it wrong, and in between only those who
vote for the truth help, and only those who vote for a rival at the margin harm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.scoring.kernels.columns import Columns

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Counts = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class VoteTeam:
    """Scored by accuracy under the mean of whole votes."""

    said: Indices
    """[contested row, member] column that the member votes for; those after the last column mean the truth."""
    row_of_column: Indices
    """[column]"""
    repeats: Floats
    """[contested row] how often each counts."""
    rows: float
    """All rows, as often as they count."""
    always_wrong: float
    """Rows that no team gets right, as often as they count."""
    asked: Counts
    """[column] votes that the truth must have."""
    most_asked: Counts
    """[contested row] the most that any of its columns asks for."""
    of_truth: Counts
    """[contested row] votes that the truth has."""

    def scores(self, candidates: Indices) -> Floats:
        """[candidate] the accuracy of the team with each candidate added."""
        margin = self.of_truth - self.most_asked
        wrong = np.full(len(candidates), self.repeats[margin <= -2].sum())
        for level in (-1, 0):
            rows = np.flatnonzero((margin == level) & (self.repeats > 0))
            said = self.said[rows[:, None], candidates]
            harmed = said < len(self.asked)
            if level == 0:  # a rival that asks for less stays behind
                harmed &= np.append(self.asked, -1)[np.minimum(said, len(self.asked))] == self.most_asked[rows, None]
            wrong += self.repeats[rows] @ harmed
        return np.asarray((self.rows - self.always_wrong - wrong) / self.rows)

    def added(self, member: int) -> VoteTeam:
        """The team with one member more."""
        said = self.said[:, member]
        right = said >= len(self.asked)
        columns = said[~right]
        asked, most_asked = self.asked.copy(), self.most_asked.copy()
        asked[columns] += 1  # of each row one at most
        rows = self.row_of_column[columns]
        most_asked[rows] = np.maximum(most_asked[rows], asked[columns])
        return replace(self, asked=asked, most_asked=most_asked, of_truth=self.of_truth + right.astype(np.int32))


def vote_team(columns: Columns, weights: Floats) -> VoteTeam:
    """The empty team over the rows of the validation set, as often as each counts [row]; all columns are of votes."""
    asked = columns.rival_first.astype(np.int32)
    return VoteTeam(
        columns.said,
        columns.row_of_column,
        weights[columns.row],
        float(weights.sum()),
        float(weights[columns.always_wrong].sum()),
        asked,
        np.maximum.reduceat(asked, columns.first[:-1]) if len(columns.row) else np.zeros(0, dtype=np.int32),
        np.zeros(len(columns.row), dtype=np.int32),
    )
