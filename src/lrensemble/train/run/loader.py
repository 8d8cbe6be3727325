"""The training rows that members see at a step: a pure function of the step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.config import TrainSettings
from lrensemble.data import Augmenter, Dataset, Mixing, epoch_order, lesson_of, sampler_of, steps_per_epoch
from lrensemble.data.augment import join
from lrensemble.data.transfer import queued


class BatchLoader:
    """Batches of the training rows, augmented; members of one `data_seed` see the same."""

    def __init__(self, dataset: Dataset, settings: Sequence[TrainSettings]) -> None:
        """Look up what draws the rows.

        Args:
            dataset: where the training rows are.
            settings: [member]; all but the seed are those of the first.

        Raises:
            SpecError: an augmentation or a sampler that is unknown, or does not suit the inputs.
            ConfigError: a sampler that the data do not serve, or class probabilities that they do not have.
        """
        first, seeds = settings[0], [each.seed_of_batches for each in settings]
        self.shared = len(set(seeds)) == 1
        """Whether all members see the same rows."""
        self._dataset, self._size = lesson_of(dataset, first), first.batch_size
        self._seeds = seeds[: 1 if self.shared else None]
        self._sampler = sampler_of(dataset, first)
        self._epoch_steps = steps_per_epoch(len(dataset.rows["train"]), self._size, drop_last=first.drop_last)
        self._augmenter = Augmenter(first.augment, dataset.shape, self._epoch_steps)
        self._epoch, self._orders = -1, np.empty((0, 0), dtype=np.int64)
        """Order of the rows, [seed, row], in the epoch of the last step: kept to save work, it is no state."""

    def load(self, step: int) -> tuple[Tensor, Tensor, Mixing | None]:
        """Inputs and truth [row, …] of the batches of all members laid end to end, or of the one that all see, and
        mixing.
        """
        rows = self._dataset.rows["train"]
        chosen = self._chosen(step)
        draws = join([self._augmenter.draw(seed, step, own) for seed, own in zip(self._seeds, chosen, strict=True)])
        places = queued(torch.from_numpy(chosen.ravel()), rows.device)
        return self._dataset.augmented(rows[places], self._augmenter, draws)

    def load_stacked(self, step: int) -> tuple[Tensor, Tensor, Mixing | None]:
        """Inputs [member, batch, …], or [batch, …] where all members see the same; truth [member, batch, …], or
        [1, batch, …]; mixing as of one long batch.
        """
        inputs, truth, mixing = self.load(step)
        stack = len(self._seeds), len(truth) // len(self._seeds)
        truth = truth.view(*stack, *truth.shape[1:])
        return inputs if self.shared else inputs.view(*stack, *inputs.shape[1:]), truth, mixing

    def _chosen(self, step: int) -> NDArray[np.int64]:
        """Positions [seed, batch] among the training rows."""
        epoch, batch = divmod(step, self._epoch_steps)
        if epoch != self._epoch:
            self._orders = np.stack([epoch_order(self._sampler, seed, epoch) for seed in self._seeds])
            self._epoch = epoch
        return self._orders[:, batch * self._size : (batch + 1) * self._size]
