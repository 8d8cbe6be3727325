"""Sequences of a step: a pure function of (seed, step), so that training can be entered anywhere; and how much of what
is computed is padding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrensemble.config import TrainSettings
from lrensemble.data.batches import epoch_order, steps_per_epoch
from lrensemble.data.samplers import SAMPLERS, TrainingRows
from lrensemble.language.packing import pack
from lrensemble.language.sequences import Sequences


class Batches:
    """Training sequences of each step, by the rule of all training (`data.batches`)."""

    def __init__(self, lengths: NDArray[np.int64], settings: TrainSettings) -> None:
        """Look up what draws them.

        Args:
            lengths: [sequence] tokens of each.
            settings: batch size, seed, sampler, and whether the last batch is dropped where it is not full.

        Raises:
            ConfigError: a sampler that sequences do not serve.
            DataError: a batch is larger than all sequences, and none would be full.
        """
        self.size, self._seed = settings.batch_size, settings.seed_of_batches
        self.steps_per_epoch = steps_per_epoch(len(lengths), self.size, drop_last=settings.drop_last)
        rows = TrainingRows(len(lengths), lengths=lengths, batch_size=self.size)
        self._sampler = SAMPLERS.call(settings.sampler, rows)
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)
        """Order of the rows in the epoch of the last step: kept to save work, it is no state."""

    def rows(self, step: int) -> NDArray[np.int64]:
        """Places [batch] of the sequences of a step, counted from 0."""
        epoch, batch = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, epoch_order(self._sampler, self._seed, epoch)
        return self._order[batch * self.size : (batch + 1) * self.size]


@dataclass(frozen=True)
class Padding:
    """What the steps of an epoch compute."""

    tokens: int
    positions: int
    """Tokens, and the padding beside them."""

    @property
    def share(self) -> float:
        """Share of the positions that are padding."""
        return 1 - self.tokens / self.positions


def padding_of(sequences: Sequences, settings: TrainSettings, *, packing: bool = False) -> Padding:
    """What the first epoch of a run computes, part of a batch by part.

    Args:
        sequences: those that are trained on.
        settings: batch size, accumulation, seed and sampler.
        packing: whether the sequences of a part are packed, in rows as long as the longest of all.
    """
    batches, tokens, positions = Batches(sequences.lengths, settings), 0, 0
    size, longest = math.ceil(settings.batch_size / settings.accumulate), int(sequences.lengths.max())
    for step in range(batches.steps_per_epoch):
        rows = batches.rows(step)
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            lengths = sequences.lengths[part]
            tokens += int(lengths.sum())
            computed = pack(sequences.take(part), longest, pad=0).rows.ids.size if packing else 0
            positions += computed if packing else len(part) * int(lengths.max())
    return Padding(tokens, positions)
