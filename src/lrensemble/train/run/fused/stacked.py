"""Networks of one shape as one: parameters and buffers stacked along a leading member axis."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from lrensemble.train.run.fused.layers import MembersAsChannels
from lrensemble.train.run.numerics import compiled

Tensors = dict[str, Tensor]


class StackedModel:
    """Several networks of one architecture, run by one program; each keeps its own BatchNorm statistics."""

    def __init__(self, models: Sequence[nn.Module], *, compile_it: bool = False) -> None:
        """Stack the parameters and buffers of networks, which are left as they are.

        Args:
            models: on one device.
            compile_it: whether training runs a program that `torch.compile` makes when it is first called.

        Raises:
            ValueError: their trainable parameters differ in type.
        """
        trainable = [{n: p for n, p in model.named_parameters() if p.requires_grad} for model in models]
        frozen = [{n: p for n, p in model.named_parameters() if not p.requires_grad} for model in models]
        if len({parameter.dtype for parameter in trainable[0].values()}) != 1:
            raise ValueError("parameters of several types cannot be updated as one")
        self.flat = torch.stack([torch.cat([p.detach().flatten() for p in each.values()]) for each in trainable])
        """[member, weight]: the memory of all that is trained, so that an update is a few operations on one tensor."""
        self.trained = _views(self.flat, trainable[0])
        """[member, …] of every trained parameter, by name: leaves of the graph, in the memory of `flat`."""
        self._gradient = torch.empty_like(self.flat)
        self._parts = [part.detach() for part in _views(self._gradient, trainable[0]).values()]
        self.parameters = self.trained | _stacked(frozen)
        """[member, …] of every parameter, by name."""
        self.buffers = _stacked([dict(model.named_buffers()) for model in models])
        """[member, …] of every buffer, by name."""
        self._template = copy.deepcopy(models[0]).to("meta")
        self._program = compiled(self._all) if compile_it else None
        self._names = tuple(models[0].state_dict())
        self.channels_last = self.flat.is_cpu
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

    def joined(self, gradients: Sequence[Tensor]) -> Tensor:
        """[member, weight] the gradients of `trained`, in their order, as one tensor; the next call overwrites it."""
        for part, gradient in zip(self._parts, gradients, strict=True):
            part.copy_(gradient)
        return self._gradient

    def _one(self, parameters: Tensors, buffers: Tensors, inputs: Tensor) -> Tensor:
        output: Tensor = functional_call(self._template, (parameters, buffers), (inputs,))
        return output

    def state(self) -> Tensors:
        """Parameters and buffers, stacked, by name: for a file."""
        both = self.parameters | self.buffers
        return {name: both[name].detach() for name in self._names if name in both}

    def load(self, state: Tensors) -> None:
        """Take over what `state` gave.

        Raises:
            ValueError: it is that of other networks.
        """
        shapes = [{name: (t.shape, t.dtype) for name, t in side.items()} for side in (state, self.state())]
        if shapes[0] != shapes[1]:
            raise ValueError("its weights are those of other models")
        with torch.no_grad():
            for name, tensor in self.state().items():
                tensor.copy_(state[name])

    def state_of(self, member: int) -> Tensors:
        """The state dict of one network, in the memory of the stack."""
        return {name: tensor[member] for name, tensor in self.state().items()}


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


def _stacked(members: Sequence[Mapping[str, Tensor]]) -> Tensors:
    """Tensors of the same names and shapes, each with a leading member axis."""
    return {name: torch.stack([tensors[name].detach() for tensors in members]) for name in members[0]}


def _views(flat: Tensor, like: Mapping[str, Tensor]) -> Tensors:
    """[member, …] parts of [member, weight] in the shapes of one network's parameters, as leaves of their own."""
    parts = torch.split(flat, [tensor.numel() for tensor in like.values()], dim=1)
    return {
        name: part.view(len(flat), *tensor.shape).detach().requires_grad_()
        for (name, tensor), part in zip(like.items(), parts, strict=True)
    }
