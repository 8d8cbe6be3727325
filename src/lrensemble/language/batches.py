"""Sequences of a step: a pure function of (seed, step), so that training can be entered anywhere.

The rule is that of all training (`data.batches`): each row at most once in an epoch, in an order drawn for the epoch.
With `by_length` a batch holds sequences of nearly the same length, so that less padding is computed: the order is drawn
first, `POOLED` batches at a time are sorted by length, and the batches are drawn in an order of their own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.data.batches import batch_rows, epoch_order, steps_per_epoch
from lrensemble.data.samplers import Sampler
from lrensemble.language.sequences import Sequences

POOLED = 32
"""Batches whose sequences are sorted together: more leave less padding, and less of the chance which meet."""


def sequences_of_step(
    sequences: Sequences, batch_size: int, seed: int, step: int, *, by_length: bool = False, drop_last: bool = True
) -> Sequences:
    """The batch of a step, no wider than its longest sequence.

    Args:
        sequences: those that are trained on.
        batch_size: sequences of a batch.
        seed: of the member.
        step: counted from 0.
        by_length: whether a batch is made of sequences of nearly the same length.
        drop_last: whether the last batch of an epoch is left out where it is not full.

    Raises:
        DataError: a batch is larger than all sequences, and none would be full.
    """
    if not by_length:
        return sequences.take(batch_rows(len(sequences), batch_size, seed, step, drop_last=drop_last))
    epoch, batch = divmod(step, steps_per_epoch(len(sequences), batch_size, drop_last=drop_last))
    order = epoch_order(by_lengths(sequences.lengths, batch_size), seed, epoch)
    return sequences.take(order[batch * batch_size : (batch + 1) * batch_size])


def by_lengths(lengths: NDArray[np.int64], batch_size: int) -> Sampler:
    """Sampler whose batches hold rows of nearly the same length; what fills no batch comes last.

    Args:
        lengths: [row]
        batch_size: rows of a batch.
    """

    def draw(generator: np.random.Generator) -> NDArray[np.int64]:
        order: NDArray[np.int64] = generator.permutation(len(lengths))
        full = len(order) // batch_size * batch_size
        for start in range(0, full, POOLED * batch_size):
            part = order[start : min(start + POOLED * batch_size, full)]
            part[:] = part[np.argsort(lengths[part], kind="stable")]
        batches = order[:full].reshape(-1, batch_size)
        found: NDArray[np.int64] = np.concatenate([batches[generator.permutation(len(batches))].ravel(), order[full:]])
        return found

    return draw
