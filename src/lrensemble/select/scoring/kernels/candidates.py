"""The classes that can win: all that the predicted classes of teams depend on, under a consensus that averages.

Where every member gives one class clearly more than another, so does every weighted mean, and the other never wins.
In most rows one class alone is left, and all teams predict it: the row is settled.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import combine
from lrensemble.consensus.arrays import safe_log
from lrensemble.select.scoring.kernels.statistics import blocks
from lrensemble.select.validation import Validation

Floats = NDArray[np.float64]
Averages = Literal["probabilities", "log_probabilities", "votes"]

NEAR = 1e-5
"""Means of probabilities closer than this are decided by the definition: more than rounding, or its rule for ties, can
bridge."""

CLEAR = 10 * NEAR
"""What a class has less than another from every member, for it never to win."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """The classes that can win in the rows that are not settled, one an entry, in the order of rows and classes."""

    values: Floats
    """[entry, member] what each member gives the class: probability, logarithm or vote."""
    class_of_entry: NDArray[np.int64]
    """[entry]"""
    first: NDArray[np.int64]
    """[contested row + 1], where each row's entries begin."""
    row: NDArray[np.int64]
    """[contested row], its place among all rows."""
    settled: NDArray[np.int64]
    """[sample] the class that every team predicts; -1 in contested rows."""
    labels: NDArray[np.int64]
    """[sample]"""
    classes: int
    near: float
    """Weighted means of values closer than this are decided by the definition."""

    @cached_property
    def cells(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Cells of a flat confusion matrix that contested rows can count in, rising, and which one is each entry's."""
        row_of_entry = np.repeat(self.row, np.diff(self.first))
        return np.unique(self.labels[row_of_entry] * self.classes + self.class_of_entry, return_inverse=True)

    def settled_counts(self, weights: Floats) -> Floats:
        """[label · class] the confusion matrix, flat, of the settled rows, each counted by its weight [sample]."""
        known = self.settled >= 0
        cells = self.labels[known] * self.classes + self.settled[known]
        return np.bincount(cells, weights=weights[known], minlength=self.classes**2).astype(np.float64)


def candidates(validation: Validation, averages: Averages) -> Candidates:
    """The classes that can win for some team of these members, found block of rows by block of rows."""
    classes = int(validation.shape[2])
    near = NEAR * (classes if averages == "log_probabilities" else 1)  # the likeliest class has 1 / classes at least
    values, class_of_entry, counts, settled = [], [], [], []
    for block in blocks(validation):
        said = _averaged(np.exp(block.values.astype(np.float64)), averages)
        leading, keep = _that_can_win(said, near * CLEAR / NEAR)
        rows, kept = np.nonzero(keep)
        values.append(np.ascontiguousarray(said[:, rows, kept].T))
        class_of_entry.append(block.class_of(rows, kept))
        counts.append(keep.sum(axis=1))
        settled.append(np.where(keep.any(axis=1), -1, block.class_of(np.arange(len(leading)), leading)))
    entries = np.concatenate(counts)
    return Candidates(
        np.concatenate(values),
        np.concatenate(class_of_entry),
        np.append(0, np.cumsum(entries[entries > 0])),
        np.flatnonzero(entries),
        np.concatenate(settled),
        validation.truth,
        classes,
        near,
    )


def _averaged(probs: Floats, averages: Averages) -> Floats:
    """[member, sample, class] what the consensus takes the weighted mean of."""
    if averages == "votes":
        return np.stack([combine("plurality", alone[None]) for alone in probs])
    return probs if averages == "probabilities" else np.asarray(safe_log(probs))


def _that_can_win(values: Floats, clear: float) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """[sample] the class that leads in the mean of all, and [sample, class] those that can win where several can."""
    leading = values.sum(axis=0).argmax(axis=1)
    rows = np.arange(len(leading))
    keep = (values >= values[:, rows, leading][:, :, None] - clear).any(axis=0)
    keep &= keep.sum(axis=1, keepdims=True) > 1
    return leading, keep
