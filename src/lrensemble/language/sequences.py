"""Token sequences: what is exchanged between data, training, scoring and serving of language models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import DataError


@dataclass(frozen=True, eq=False)
class Sequences:
    """Token sequences of unequal lengths in one array."""

    ids: NDArray[np.int64]
    """[sequence, length] padded on the right with the pad id."""
    lengths: NDArray[np.int64]
    """[sequence] tokens of each that are no padding."""
    answer: NDArray[np.bool_]
    """[sequence, length] which tokens are learnt and scored, each given all before it."""

    def __post_init__(self) -> None:
        rows, longest = self.ids.shape
        if self.answer.shape != (rows, longest) or self.lengths.shape != (rows,):
            raise DataError(
                f"ids of shape {self.ids.shape}, lengths {self.lengths.shape} and answer {self.answer.shape} do not fit"
            )
        if rows and not 0 <= self.lengths.min() <= self.lengths.max() <= longest:
            raise DataError(f"lengths from {self.lengths.min()} to {self.lengths.max()} do not fit {longest} positions")
        if (self.answer & (np.arange(longest) >= self.lengths[:, None])).any():
            raise DataError("padding is said to be an answer; only the tokens of a sequence are")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def answer_tokens(self) -> int:
        """Number of tokens that are learnt and scored."""
        return int(self.answer.sum())

    def take(self, rows: NDArray[np.int64]) -> Sequences:
        """The sequences in `rows`, in this order, no wider than the longest of them."""
        lengths = self.lengths[rows]
        width = int(lengths.max(initial=0))
        return Sequences(self.ids[rows, :width], lengths, self.answer[rows, :width])


def padded(tokens: Sequence[Sequence[int]], answer: Sequence[Sequence[bool]], pad: int) -> Sequences:
    """Sequences of lists of tokens, as wide as the longest.

    Args:
        tokens: ids of each sequence.
        answer: which of them are learnt, for each sequence as many as it has tokens.
        pad: id that fills the rest.
    """
    lengths = np.array([len(each) for each in tokens], dtype=np.int64)
    there = np.arange(lengths.max(initial=0)) < lengths[:, None]
    ids, learnt = np.full(there.shape, pad, dtype=np.int64), np.zeros(there.shape, dtype=np.bool_)
    ids[there] = [token for each in tokens for token in each]
    learnt[there] = [is_answer for each in answer for is_answer in each]
    return Sequences(ids, lengths, learnt)
