"""The training rows that members see at a step: a pure function of the step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.config import TrainSettings
from lrensemble.data import Augmenter, Dataset, Mixing, epoch_order, steps_per_epoch
from lrensemble.data.augment import join


class BatchLoader:
    """Batches of the training rows, augmented; members of one `data_seed` see the same."""

    def __init__(self, dataset: Dataset, settings: Sequence[TrainSettings]) -> None:
        seeds = [each.seed_of_batches for each in settings]
        self.shared = len(set(seeds)) == 1
        """Whether all members see the same rows."""
        self._dataset, self._size = dataset, settings[0].batch_size
        self._seeds = seeds[: 1 if self.shared else None]
        self._epoch_steps = steps_per_epoch(len(dataset.rows["train"]), self._size)
        self._augmenter = Augmenter(settings[0].augment, dataset.shape, self._epoch_steps)
        self._epoch, self._orders = -1, np.empty((0, 0), dtype=np.int64)
        """Order of the rows, [seed, row], in the epoch of the last step: kept to save work, it is no state."""

    def load(self, step: int) -> tuple[Tensor, Tensor, Mixing | None]:
        """Inputs [member, batch, …], or [batch, …] where all members see the same; truth [member, batch, …], or
        [1, batch, …]; mixing as of one long batch.
        """
        rows = self._dataset.rows["train"]
        chosen = self._chosen(step, len(rows))
        draws = join([self._augmenter.draw(seed, step, own) for seed, own in zip(self._seeds, chosen, strict=True)])
        places = torch.from_numpy(np.concatenate(chosen)).to(rows.device, non_blocking=True)
        inputs, truth, mixing = self._dataset.augmented(rows[places], self._augmenter, draws)
        truth = truth.view(-1, self._size, *truth.shape[1:])
        return inputs if self.shared else inputs.view(-1, self._size, *inputs.shape[1:]), truth, mixing

    def _chosen(self, step: int, rows: int) -> NDArray[np.int64]:
        """Positions [seed, batch] among so many training rows."""
        epoch, batch = divmod(step, self._epoch_steps)
        if epoch != self._epoch:
            self._orders = np.stack([epoch_order(rows, seed, epoch) for seed in self._seeds])
            self._epoch = epoch
        return self._orders[:, batch * self._size : (batch + 1) * self._size]
