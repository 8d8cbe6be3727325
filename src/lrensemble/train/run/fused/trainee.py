"""Several networks of one shape as a trainee: one program with a leading member axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from lrensemble.config import TrainSettings
from lrensemble.data import Dataset, loss_of
from lrensemble.targets.heads import member_losses
from lrensemble.train.run.arithmetic.groups import freeze
from lrensemble.train.run.arithmetic.numerics import arithmetic, autocast
from lrensemble.train.run.fused.optimizers import StackedOptimizer
from lrensemble.train.run.fused.stacked import StackedModel
from lrensemble.train.run.fused.weights import load_into
from lrensemble.train.run.loader import BatchLoader
from lrensemble.train.run.loop import Momenta
from lrensemble.train.run.predictions import checked_outputs, stored_of


class StackedTrainee:
    """A `Trainee` of networks of one architecture on the same data.

    The losses of the members are summed, not averaged: each gradient is then that of its member alone. A member that
    diverges fills its slices with NaN, and touches no other.
    """

    adapter = None
    """None: the weights are those of whole networks."""

    def __init__(self, networks: Sequence[nn.Module], dataset: Dataset, settings: Sequence[TrainSettings]) -> None:
        """Stack networks, which are left as they are, and make their optimizer.

        Args:
            networks: [member] on the device of the data set.
            dataset: where the training rows are.
            settings: [member]; all but rate, momentum, weight decay, smoothing and seed are those of the first.
        """
        self._dataset, self._settings, self.head = dataset, settings[0], dataset.head(settings[0].form)
        for network in networks:
            freeze(network, settings[0].group)
        self.model = StackedModel(networks, compile_it=settings[0].compile)
        self._optimizer = StackedOptimizer(settings, self.model.weights)
        self._loader, self._loss = BatchLoader(dataset, settings), loss_of(dataset, settings[0])
        smoothing = [each.label_smoothing for each in settings]
        exact = torch.tensor(smoothing, dtype=torch.float64, device=dataset.device) if any(smoothing) else None
        self._smoothing = exact
        """[member] in float64; None where nothing is smoothed, which has fewer operations."""

    def step(self, step: int, rates: Sequence[float], momenta: Momenta = None) -> tuple[Tensor, Tensor]:
        """One update of all members; their losses before it and the norms of their gradients, [member] each."""
        inputs, truth, mixing = self._loader.load_stacked(step)
        with arithmetic(inputs.device, self._settings):
            with autocast(inputs.device, self._settings):
                outputs = self.model.outputs(inputs, training=True, shared=self._loader.shared)
            outputs = checked_outputs(outputs, truth.shape[1], self.head, leading=1)
            outputs = outputs.to(torch.promote_types(outputs.dtype, torch.float32))
            partner, share = mixing or (None, None)
            losses = member_losses(self._loss, outputs, truth, partner=partner, share=share, smoothing=self._smoothing)
            trained = list(self.model.weights.trained.values())
            gradient = self.model.weights.joined(torch.autograd.grad(losses.sum(), trained))
        return losses.detach(), self._optimizer.update(gradient, rates, step, momenta)

    def predict(self, split: str) -> Tensor:
        """What the networks say on a split, [member, sample, column]."""

        def outputs(inputs: Tensor) -> Tensor:
            said = self.model.outputs(inputs, training=False, shared=True)
            return checked_outputs(said, len(inputs), self.head, leading=1)

        return stored_of(outputs, self.head, self._dataset, split)

    def weights(self, member: int) -> Mapping[str, Tensor]:
        """Parameters and buffers of one network, by name, in the memory of the stack."""
        return {name: tensor[member] for name, tensor in self.model.state().items()}

    def state(self) -> dict[str, Tensor]:
        """`model/…` and `optimizer/…`, stacked."""
        tensors = {f"model/{name}": tensor for name, tensor in self.model.state().items()}
        return tensors | {f"optimizer/{name}": tensor for name, tensor in self._optimizer.state.items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` gave; nothing is touched unless all of it fits."""
        load_into(self.state(), tensors)
