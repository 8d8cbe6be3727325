"""The training rows that members see at a step: a pure function of the step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lrensemble.config import TrainSettings
from lrensemble.data import Augmenter, Dataset, Mixing, batch_rows, steps_per_epoch
from lrensemble.data.augment import join
from lrensemble.data.transfer import queued


class BatchLoader:
    """Batches of the training rows, augmented; members of one seed see the same."""

    def __init__(self, dataset: Dataset, settings: Sequence[TrainSettings]) -> None:
        self.shared = len({each.seed for each in settings}) == 1
        """Whether all members see the same rows."""
        self._dataset, self._size = dataset, settings[0].batch_size
        self._seeds = [each.seed for each in settings[: 1 if self.shared else None]]
        epoch_steps = steps_per_epoch(len(dataset.rows["train"]), self._size)
        self._augmenter = Augmenter(settings[0].augment, dataset.shape, epoch_steps)

    def load(self, step: int) -> tuple[Tensor, Tensor, Mixing | None]:
        """Inputs [member, batch, …], or [batch, …] where all members see the same; truth [member, batch, …], or
        [1, batch, …]; mixing as of one long batch.
        """
        rows = self._dataset.rows["train"]
        chosen = [batch_rows(len(rows), self._size, seed, step) for seed in self._seeds]
        draws = join([self._augmenter.draw(seed, step, own) for seed, own in zip(self._seeds, chosen, strict=True)])
        places = queued(torch.from_numpy(np.concatenate(chosen)), rows.device)
        inputs, truth, mixing = self._dataset.augmented(rows[places], self._augmenter, draws)
        truth = truth.view(-1, self._size, *truth.shape[1:])
        return inputs if self.shared else inputs.view(-1, self._size, *inputs.shape[1:]), truth, mixing
