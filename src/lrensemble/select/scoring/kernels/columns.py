"""The contested columns: all that the accuracy of a team depends on.

A column is a pair (row, rival class). The truth wins it for a team if the weighted mean of what the members give the
label is ahead of that of the rival, or ties with it and the label is the lower class. A row is right if every column is
won. `contested` finds the columns that some team wins and some other loses; the rest need no look at any team.

A tie is a ratio (`lrensemble.numerics`), so that the rival, scaled by it, leaves one margin to compare with zero.

One row in a great many is right with a column lost: where the truth ties with a lower class and with a higher one, but
those two do not tie, so that the lower one is behind. Margins in `doubt` are asked for such *ties of three*, and what
has one is left to the definition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import averaged
from lrensemble.numerics import TIE, likeliest
from lrensemble.select.scoring.kernels.contested import Contested, contested
from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span
from lrensemble.select.scoring.kernels.statistics import blocks
from lrensemble.select.validation import Validation

Values = NDArray[np.float64]
Labels = NDArray[np.int64]
Raw = NDArray[np.floating]
"""Log-probabilities or votes as they were read, in float32 or float64."""

TINY = np.finfo(np.float64).tiny
"""A probability of zero in a geometric mean counts as this, as `safe_log` has it."""

SMALLEST = 1e-320
"""What underflow may take from a sum, at most."""

COMPILED = 2**22
"""From so many numbers on, a kernel finds their limits."""

NUMBERS_AT_ONCE = 2**20
"""Margins that are looked at together: the memory stays bounded."""


@dataclass(frozen=True, eq=False)
class Columns:
    """Contested columns in the order of their rows; rows without any, or always wrong, are left out."""

    truth: Values
    """[contested row, member], what each member gives the label: probability, logarithm or vote."""
    rival: Values
    """[column, member], what each member gives the rival class."""
    rival_first: NDArray[np.bool_]
    """[column], whether the rival is the lower class, which wins ties."""
    first: NDArray[np.int64]
    """[contested row + 1], where each row's columns begin."""
    row: NDArray[np.int64]
    """[contested row], its place among all rows."""
    always_wrong: NDArray[np.int64]
    """[row] the places of rows that are wrong for every team."""
    rows: int
    """All rows."""
    logarithms: bool
    """Whether members give logarithms, and ties are differences."""

    @cached_property
    def row_of_column(self) -> NDArray[np.int64]:
        """[column] the contested row that it belongs to."""
        return np.repeat(np.arange(len(self.row)), np.diff(self.first))

    @cached_property
    def limits(self) -> Values:
        """[column, 3] the least and the largest margin, and the largest |truth| + |rival|, of any member."""
        limits = np.empty((len(self.rival), 3))
        if self.rival.size >= COMPILED and not self.logarithms:
            _fill_limits(self.truth, self.rival, self.row_of_column, self.factor, limits)
            return limits
        step = max(1, NUMBERS_AT_ONCE // self.rival.shape[1])
        for start in range(0, len(limits), step):
            part = slice(start, start + step)
            margins = self.truth[self.row_of_column[part]] - self.rival[part] * self.factor[part, None]
            limits[part] = np.stack([margins.min(axis=1), margins.max(axis=1), self.scale(part).max(axis=1)], axis=1)
        return limits

    @cached_property
    def factor(self) -> Values:
        """[column] what the rival is multiplied by: then the truth wins with more, or with as much if it is lower."""
        if self.logarithms:
            return np.ones(len(self.rival))
        return np.where(self.rival_first, 1 / (1 - TIE), 1 - TIE)

    @cached_property
    def doubt(self) -> Values:
        """[column] how far from zero a margin may be in a tie of three, divided by the team's weight; mostly 0.

        Below zero where the rival is lower, above where it is higher; the row must have both.
        """
        lower = np.add.reduceat(self.rival_first, self.first[:-1], dtype=np.int64) if len(self.row) else np.zeros(0)
        both = ((lower > 0) & (lower < np.diff(self.first)))[self.row_of_column]
        return np.where(both, TIE * (2 if self.logarithms else self.limits[:, 2]), 0.0)

    @cached_property
    def votes(self) -> NDArray[np.bool_]:
        """[column] whether every member gives a whole vote or none, so that sums of whole numbers of them are exact."""
        for_truth = _all_whole(self.truth)[self.row_of_column]
        columns = np.flatnonzero(for_truth)
        for_truth[columns] = _all_whole(self.rival[columns])
        return for_truth

    @cached_property
    def said(self) -> Labels:
        """[contested row, member] the column of the class that a member votes for; `len(rival)` where it is the truth.

        For columns that are all of votes.
        """
        said = np.full(self.truth.shape, len(self.rival), dtype=np.int64)
        column, member = np.nonzero(self.rival)
        said[self.row_of_column[column], member] = column
        return said

    def of_rows(self, chosen: NDArray[np.bool_]) -> Columns:
        """The columns of some of the contested rows [contested row] alone."""
        columns = chosen[self.row_of_column]
        width = np.diff(self.first)[chosen]
        return Columns(
            self.truth[chosen],
            self.rival[columns],
            self.rival_first[columns],
            np.append(0, np.cumsum(width)),
            self.row[chosen],
            self.always_wrong,
            self.rows,
            self.logarithms,
        )

    def margins(self, part: slice) -> Values:
        """[column, member], truth minus rival, shifted by a tie: lost below zero, or at zero to a lower class."""
        if self.logarithms:
            shift = np.where(self.rival_first[part], -np.log1p(-TIE), np.log1p(-TIE))[:, None]
            return np.asarray(self.truth[self.row_of_column[part]] - (self.rival[part] + shift))
        return np.asarray(self.truth[self.row_of_column[part]] - self.rival[part] * self.factor[part, None])

    def scale(self, part: slice) -> Values:
        """[column, member], |truth| + |rival|: what errors of rounding are relative to."""
        return np.asarray(np.abs(self.truth)[self.row_of_column[part]] + np.abs(self.rival[part]))

    def error(self, part: slice) -> Values:
        """[column] a bound on what rounding does to a sum of margins against the definition's two sums, for any subset.

        None of votes with equal weights: no number of them is as close to a tie, unless nobody votes for either.
        """
        bound = rounding(self.rival.shape[1]) * self.scale(part).sum(axis=1) + SMALLEST
        return np.where(self.votes[part], 0.0, bound)


def _all_whole(values: Values) -> NDArray[np.bool_]:
    """[column] whether all of values [column, member] are zero or one; most columns end with a look at the first."""
    whole = (values[:, 0] == 0) | (values[:, 0] == 1)
    some = np.flatnonzero(whole)
    whole[some] = ((values[some] == 0) | (values[some] == 1)).all(axis=1)
    return np.asarray(whole)


@compiled_parallel
def _fill_limits(truth: Values, rival: Values, row_of_column: Labels, factor: Values, limits: Values) -> None:
    """Fill `Columns.limits` of what are no logarithms."""
    for column in span(rival.shape[0]):
        row, times = row_of_column[column], factor[column]
        least, most, scale = np.inf, -np.inf, 0.0
        for member in range(rival.shape[1]):
            margin = truth[row, member] - rival[column, member] * times
            total = truth[row, member] + rival[column, member]
            least = margin if margin < least else least
            most = margin if margin > most else most
            scale = total if total > scale else scale
        limits[column, 0], limits[column, 1], limits[column, 2] = least, most, scale


def rounding(terms: int) -> float:
    """A bound on the error of a sum of so many terms with weights, relative to the sum of their sizes.

    One rounding for each term, and one for each weight (Higham 2002, eq. 4.4); doubled for the two sums of a margin,
    and again to be safe.
    """
    return (4 * terms + 8) * float(np.finfo(np.float64).eps)


@compiled
def is_wrong(truth: float, lower: float, higher: float) -> bool:
    """The definition for one row, from what the label is given, and the most that a lower and a higher class is given.

    Its class is the lowest of those that tie with the highest; a class that there is not is given -1.
    """
    return truth < higher * (1 - TIE) or lower >= max(truth, higher) * (1 - TIE)


def contested_columns(validation: Validation, consensus: str) -> Columns:
    """The contested columns under a consensus that averages, found block of rows by block of rows; the same each time.

    They are those of all rows, whatever the weights.
    """
    averages = averaged(consensus)
    return validation.once("columns", averages, lambda: _all_columns(validation, averages))


def _all_columns(validation: Validation, averages: str | None) -> Columns:
    start = 0
    collected: tuple[list[Any], ...] = ([], [], [], [], [], [])
    for found, truth_values, rival_values, labels in _contested_by_block(validation, averages == "votes"):
        part = (
            truth_values,
            rival_values,
            found.rival < labels[found.row_of_column],
            np.bincount(found.row_of_column, minlength=len(labels))[found.row],
            found.row + start,
            found.always_wrong + start,
        )
        for parts, values_of_part in zip(collected, part, strict=True):
            parts.append(values_of_part)
        start += len(labels)
    truth, rival = (_as_averaged(_joined(parts, np.float64), averages) for parts in collected[:2])
    rival_first = _joined(collected[2], np.bool_)
    counts, row, always_wrong = (_joined(parts, np.int64) for parts in collected[3:])
    first = np.append(0, np.cumsum(counts))
    return Columns(truth, rival, rival_first, first, row, always_wrong, start, averages == "log_probabilities")


def _contested_by_block(validation: Validation, votes: bool) -> Iterator[tuple[Contested, Raw, Raw, Labels]]:
    """Blocks of rows: what is contested, the values [column, member] of truth and of rivals, the labels."""
    if validation.accelerated:
        from lrensemble.select.scoring.kernels import on_device

        yield from on_device.contested_by_block(validation, votes)
        return
    for block in blocks(validation):
        labels = block.truth
        values = _votes(block.values) if votes else block.values
        found = contested(values, labels)
        truth = _gathered(values, found.row, labels[found.row])
        yield found, truth, _gathered(values, found.row_of_column, found.rival), labels


def _votes(log_probs: NDArray[np.floating]) -> NDArray[np.float32]:
    voted = likeliest(np.exp(log_probs.astype(np.float64)))
    return np.asarray(voted[:, :, None] == np.arange(log_probs.shape[2]), dtype=np.float32)


def _joined(parts: list[Any], dtype: type) -> Any:
    """One array of all parts along their first axis. The list is emptied on the way, for the sake of memory."""
    joined = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), dtype=dtype)
    stop = len(joined)
    while parts:
        part = parts.pop()
        joined[stop - len(part) : stop] = part
        stop -= len(part)
    return joined


def _gathered(values: Raw, rows: Labels, classes: Labels) -> Raw:
    """[column, member] the values [member, sample, class] at pairs of a row and a class."""
    return np.ascontiguousarray(values[:, rows, classes].T)


def _as_averaged(values: Values, averages: str | None) -> Values:
    """[column, member] votes as they are, and log-probabilities, in place, as what the consensus averages."""
    if averages == "votes":
        return values
    np.exp(values, out=values)  # numpy's, as everywhere: another library's may differ in the last bit
    # `safe_log` without copies.
    return values if averages == "probabilities" else np.log(np.maximum(values, TINY, out=values), out=values)
