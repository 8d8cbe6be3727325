"""Networks of one shape as one: parameters and buffers stacked along a leading member axis."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from lrensemble.train.run.arithmetic.numerics import compiled
from lrensemble.train.run.fused.layers import MembersAsChannels
from lrensemble.train.run.fused.weights import StackedWeights, Tensors, stacked


class StackedModel:
    """Several networks of one architecture, run by one program; each keeps its own BatchNorm statistics."""

    def __init__(self, models: Sequence[nn.Module], *, compile_it: bool = False) -> None:
        """Stack the parameters and buffers of networks, which are left as they are.

        Args:
            models: on one device.
            compile_it: whether training runs a program that `torch.compile` makes when it is first called.

        Raises:
            ValueError: their trainable parameters differ in type, or a state dict holds more than tensors of theirs.
        """
        trainable = [{n: p for n, p in model.named_parameters() if p.requires_grad} for model in models]
        frozen = [{n: p for n, p in model.named_parameters() if not p.requires_grad} for model in models]
        self.weights = StackedWeights(trainable)
        self.parameters = self.weights.trained | stacked(frozen)
        """[member, …] of every parameter, by name."""
        self.buffers = stacked([dict(model.named_buffers()) for model in models])
        """[member, …] of every buffer, by name."""
        self._template = copy.deepcopy(models[0]).to("meta")
        self._program = compiled(self._all) if compile_it else None
        self._tied = _first_names(models[0])
        """The first name of what each name of a parameter or buffer means: of tied ones not its own."""
        self._names = tuple(models[0].state_dict())
        if further := set(self._names) - set(self._tied):
            raise ValueError(f"{', '.join(sorted(further))} of a state dict cannot be stacked")
        self.channels_last = self.weights.flat.is_cpu
        """Whether images lie in memory with their channels last, where the program is not compiled. On a GPU
        convolutions in groups, one for each member, have kernels for the usual order; `benchmarks.gpu` compares."""

    def __len__(self) -> int:
        return len(next(iter(self.parameters.values())))

    def outputs(self, inputs: Tensor, *, training: bool, shared: bool) -> Tensor:
        """[member, batch, output] of every network.

        Args:
            inputs: [member, batch, …], or [batch, …] where all members see the same.
            training: whether BatchNorm takes the statistics of the batch, and updates its own.
            shared: whether `inputs` are the same for all members.

        Raises:
            RuntimeError: the network draws random numbers, or cannot be stacked for another reason.
            TrainingError: it cannot be compiled, or not here.
        """
        self._template.train(training)
        if training and self._program is not None:
            outputs: Tensor = self._program(inputs, shared)
            return outputs
        with MembersAsChannels():
            return self._all(_channels_last(inputs, shared) if self.channels_last else inputs, shared)

    def _all(self, inputs: Tensor, shared: bool) -> Tensor:
        run = vmap(self._one, in_dims=(0, 0, None if shared else 0), randomness="error")
        outputs: Tensor = run(self.parameters, self.buffers, inputs)
        return outputs

    def _one(self, parameters: Tensors, buffers: Tensors, inputs: Tensor) -> Tensor:
        own = parameters | buffers
        # By all their names: `to` has untied those of the template, and what is not given stays a tensor without data.
        output: Tensor = functional_call(
            self._template, {name: own[first] for name, first in self._tied.items()}, (inputs,)
        )
        return output

    def state(self) -> Tensors:
        """Parameters and buffers of the state dict, stacked, by name, in the memory of the stack."""
        both = self.parameters | self.buffers
        return {name: both[self._tied[name]].detach() for name in self._names}


def _first_names(model: nn.Module) -> dict[str, str]:
    """The first name of the parameter or buffer of each name, by name."""
    tensors = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
    first = dict[int, str]()
    return {name: first.setdefault(id(tensor), name) for name, tensor in tensors}


def _channels_last(inputs: Tensor, shared: bool) -> Tensor:
    """The same inputs; images with their channels, and beside these the members, last in memory.

    What convolutions, norms and pooling make of them then lies so as well.
    """
    if inputs.ndim != (4 if shared else 5):
        return inputs
    if shared:
        return inputs.to(memory_format=torch.channels_last)
    by_image = inputs.transpose(0, 1)
    side_by_side = by_image.flatten(1, 2).to(memory_format=torch.channels_last)
    return side_by_side.view(by_image.shape).transpose(0, 1)
