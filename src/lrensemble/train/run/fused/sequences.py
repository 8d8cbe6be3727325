"""Several adapters of one base as a trainee: one program with a leading member axis learns answers of sequences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lrensemble.config import TrainSettings
from lrensemble.errors import PredictionsError
from lrensemble.language.adapters import adapter_config
from lrensemble.language.batches import Batches
from lrensemble.language.dataset import SequenceDataset
from lrensemble.language.tokens import token_likelihoods
from lrensemble.train.run.arithmetic.groups import freeze
from lrensemble.train.run.arithmetic.numerics import arithmetic, autocast
from lrensemble.train.run.fused.adapters import StackedAdapters
from lrensemble.train.run.fused.draws import Draws
from lrensemble.train.run.fused.optimizers import StackedOptimizer
from lrensemble.train.run.fused.weights import load_into
from lrensemble.train.run.loop import Momenta
from lrensemble.train.run.sequences import answer_logits


class StackedSequenceTrainee:
    """A `Trainee` of adapters of one base on the same sequences.

    The losses of the members, each a mean over the answer tokens of its own batch, are summed: each gradient is then
    that of its member alone. A member that diverges fills its slices with NaN, and touches no other.
    """

    def __init__(
        self, networks: Sequence[nn.Module], dataset: SequenceDataset, settings: Sequence[TrainSettings]
    ) -> None:
        """Stack adapters, which are left as they are, and make their optimizer.

        Args:
            networks: [member] as `peft` makes them, on the device of the data set.
            dataset: sequences in the tokens of their base, not packed.
            settings: [member]; all but rate, momentum, weight decay and seed are those of the first.

        Raises:
            TrainingError: as `StackedAdapters`.
        """
        self._dataset, self._settings, self.head = dataset, settings[0], dataset.head(None)
        for network in networks:
            freeze(network, [group for group in settings[0].group if group.rate == 0])
        self.model, self._adapter = StackedAdapters(networks), adapter_config(networks[0])
        self._optimizer = StackedOptimizer(settings, self.model.weights)
        self._seeds = [each.seed for each in settings]
        lengths = dataset.sequences["train"].lengths
        self._batches = [Batches(lengths, each) for each in settings]

    @property
    def adapter(self) -> Mapping[str, Any]:
        """What `peft` writes as `adapter_config.json`, the same of all members."""
        return self._adapter

    def step(self, step: int, rates: Sequence[float], momenta: Momenta = None) -> tuple[Tensor, Tensor]:
        """One update of all members; the mean losses of their answer tokens before it and the norms of their gradients,
        [member] each.
        """
        device, rows = self._dataset.device, np.stack([batches.rows(step) for batches in self._batches])
        with arithmetic(device, self._settings):
            losses = self._backward(rows, Draws(self._seeds, step) if self.model.drops else None)
        return losses, self._optimizer.update(self.model.weights.gradient, rates, step, momenta)

    def _backward(self, rows: NDArray[np.int64], draws: Draws | None) -> Tensor:
        """Leave the gradients of the members' mean losses with their weights, part after part; the losses [member].

        The means are over the answer tokens of the whole batch of a member, in however many parts it is computed.

        Args:
            rows: [member, batch]
            draws: what dropout takes.
        """
        train, weights = self._dataset.sequences["train"], self.model.weights
        tokens = torch.from_numpy(train.answer[rows].sum(axis=(1, 2))).to(self._dataset.device)
        size, losses = math.ceil(rows.shape[1] / self._settings.accumulate), []
        for start in range(0, rows.shape[1], size):
            part = rows[:, start : start + size]
            if draws is not None:
                draws.widths = train.lengths[part].max(axis=1).tolist()
            own = self._sums(part, draws) / tokens
            gradients = torch.autograd.grad(own.sum(), list(weights.trained.values()))
            weights.joined(gradients, add=start > 0)
            losses.append(own.detach())
        return torch.stack(losses).sum(dim=0) if len(losses) > 1 else losses[0]

    def _sums(self, rows: NDArray[np.int64], draws: Draws | None) -> Tensor:
        """Sums [member] of the losses of answer tokens of sequences [member, batch]."""
        ids, answer = self._dataset.batch(torch.from_numpy(rows.ravel()))
        self.model.base.train()
        with self.model.together(len(ids), draws) as base, autocast(ids.device, self._settings):
            logits = answer_logits(base, ids, answer)
        exact = logits.to(torch.promote_types(logits.dtype, torch.float32))
        losses = cross_entropy(exact, ids[answer], reduction="none")
        counts = self._dataset.sequences["train"].answer[rows].sum(axis=(1, 2)).tolist()
        return torch.stack([each.sum() for each in torch.split(losses, counts)])

    def predict(self, split: str) -> Tensor:
        """Log-probabilities of the answer tokens of a split, [member, token, 1] on the CPU; NaN where a member has
        diverged.
        """
        return torch.stack([self._said(member, split) for member in range(len(self.model))])[:, :, None]

    def _said(self, member: int, split: str) -> Tensor:
        """[token] of one member, as it would say it alone."""
        try:
            with self.model.alone(member) as model:
                said = token_likelihoods(model, self._dataset.sequences[split]).main
        except PredictionsError:
            said = np.full(len(self._dataset.tokens[split].truth), np.nan, dtype=np.float32)
        return torch.from_numpy(np.ascontiguousarray(said))

    def weights(self, member: int) -> Mapping[str, Tensor]:
        """Weights of one adapter by the names that `peft` saves them under."""
        return self.model.state_of(member)

    def state(self) -> dict[str, Tensor]:
        """`model/…` and `optimizer/…`, stacked, beside the base."""
        tensors = {f"model/{name}": tensor.detach() for name, tensor in self.model.weights.trained.items()}
        return tensors | {f"optimizer/{name}": tensor for name, tensor in self._optimizer.state.items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` gave; nothing is touched unless all of it fits."""
        load_into(self.state(), tensors)
