"""Packing: several sequences in one row, each seeing itself alone.

A row has an attention mask [position, position] that parts its sequences, and positions that begin at 0 with each;
causal models of `transformers` take both as they are, with the attention `eager` and `sdpa`. A packed sequence has the
log-probabilities that it has alone, up to rounding. Kernels that take no such mask, such as FlashAttention's, are not
served: pad for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lrensemble.errors import DataError
from lrensemble.language.sequences import Sequences


@dataclass(frozen=True, eq=False)
class Packed:
    """Sequences that lie side by side in rows."""

    rows: Sequences
    """Rows as one sequence each; the first token of a sequence is never an answer."""
    positions: NDArray[np.int64]
    """[row, length] places of the tokens within their own sequence; 0 in the padding."""
    owners: NDArray[np.int64]
    """[row, length] the sequence that each token is of; -1 in the padding."""

    def inputs(
        self, rows: NDArray[np.int64], dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
    ) -> dict[str, torch.Tensor]:
        """What a causal model of `transformers` is given for some rows.

        Args:
            rows: [batch]
            dtype: that the model computes in.
            device: of the model.

        Returns:
            `input_ids` and `position_ids` [batch, length], and `attention_mask` [batch, 1, length, length], which is
            added to the scores: 0 where the second position may be seen from the first, else the lowest number. (One of
            truth values would be added as 0 and 1 by the attention `eager`, and hide nothing.)
        """
        batch = self.rows.take(rows)
        width = batch.ids.shape[1]
        owners = torch.from_numpy(self.owners[rows, :width]).to(device)
        alike = owners[:, :, None] == owners[:, None, :]  # padding sees padding: a row that sees nothing is NaN
        seen = alike & torch.ones(width, width, dtype=torch.bool, device=device).tril()
        mask = torch.zeros(seen.shape, dtype=dtype, device=device).masked_fill(~seen, torch.finfo(dtype).min)
        return {
            "input_ids": torch.from_numpy(batch.ids).to(device),
            "position_ids": torch.from_numpy(self.positions[rows, :width]).to(device),
            "attention_mask": mask[:, None],
        }

    def unpacked(self, values: NDArray[np.floating], like: Sequences) -> NDArray[np.floating]:
        """Values [row, length] as [sequence, length] of the sequences that were packed, 0 in their padding.

        Args:
            values: one for each token of the rows.
            like: what was packed.
        """
        found = np.zeros(like.ids.shape, dtype=values.dtype)
        there = self.owners >= 0
        found[self.owners[there], self.positions[there]] = values[there]
        return found


def pack(sequences: Sequences, length: int, *, pad: int) -> Packed:
    """Sequences put into rows of at most `length` tokens, each whole: the longest first, each into the row that it
    leaves the least room in (best fit), among equals the one that was begun last.

    Args:
        sequences: none without a token.
        length: tokens of a row.
        pad: id that fills rows.

    Raises:
        DataError: a sequence is longer than a row, or has no token.
    """
    if len(sequences) and not 1 <= sequences.lengths.min() <= sequences.lengths.max() <= length:
        raise DataError(
            f"sequences of {sequences.lengths.min()} to {sequences.lengths.max()} tokens do not fit rows of {length}; "
            "each must have 1 token, and no more than a row"
        )
    held = _best_fit(sequences.lengths, length)
    lengths = np.array([sequences.lengths[each].sum() for each in held], dtype=np.int64)
    shape = (len(held), int(lengths.max(initial=0)))
    ids, answer = np.full(shape, pad, dtype=np.int64), np.zeros(shape, dtype=np.bool_)
    positions, owners = np.zeros(shape, dtype=np.int64), np.full(shape, -1, dtype=np.int64)
    for row, members in enumerate(held):
        start = 0
        for member in members:
            count = int(sequences.lengths[member])
            place = slice(start, start + count)
            ids[row, place], answer[row, place] = sequences.ids[member, :count], sequences.answer[member, :count]
            answer[row, start] = False  # it is given nothing, and not the end of its neighbour
            positions[row, place], owners[row, place] = np.arange(count), member
            start += count
    return Packed(Sequences(ids, lengths, answer), positions, owners)


def _best_fit(lengths: NDArray[np.int64], length: int) -> list[list[int]]:
    """Sequences of each row."""
    held = list[list[int]]()
    with_room: list[list[int]] = [[] for _ in range(length + 1)]
    for member in np.argsort(-lengths, kind="stable").tolist():
        need = int(lengths[member])
        room = next((room for room in range(need, length + 1) if with_room[room]), None)
        if room is None:
            held.append([])
            row, room = len(held) - 1, length
        else:
            row = with_room[room].pop()
        held[row].append(member)
        with_room[room - need].append(row)
    return held
