"""What several members train, in one piece of memory: an update is then a few operations on one tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lrensemble.train.run.progress.state import require_same

Tensors = dict[str, Tensor]


class StackedWeights:
    """Trained parameters of several members of one architecture, and room for their gradients."""

    def __init__(self, members: Sequence[Mapping[str, Tensor]]) -> None:
        """Copy parameters, which are left as they are.

        Args:
            members: [member] trained parameters by name, the same names and shapes for all.

        Raises:
            ValueError: they differ in type.
        """
        first = members[0]
        if len({parameter.dtype for parameter in first.values()}) != 1:
            raise ValueError("parameters of several types cannot be updated as one")
        self.flat = torch.stack([torch.cat([p.detach().flatten() for p in each.values()]) for each in members])
        """[member, weight]"""
        self.trained = _views(self.flat, first)
        """[member, …] of every parameter, by name: leaves of the graph, in the memory of `flat`."""
        self.gradient = torch.empty_like(self.flat)
        """[member, weight] what `joined` has last made."""
        self._parts = [part.detach() for part in _views(self.gradient, first).values()]

    def __len__(self) -> int:
        return len(self.flat)

    def joined(self, gradients: Sequence[Tensor], *, add: bool = False) -> Tensor:
        """[member, weight] the gradients of `trained`, in their order, as one tensor; the next call overwrites it.

        Args:
            gradients: [member, …] each.
            add: whether they are added to those of the last call.
        """
        for part, gradient in zip(self._parts, gradients, strict=True):
            if add:
                part.add_(gradient)
            else:
                part.copy_(gradient)
        return self.gradient


def stacked(members: Sequence[Mapping[str, Tensor]]) -> Tensors:
    """Tensors of the same names and shapes, each with a leading member axis."""
    return {name: torch.stack([tensors[name].detach() for tensors in members]) for name in members[0]}


def load_into(tensors: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> None:
    """Copy a state into tensors of the same names, shapes and types, or leave all of them as they are.

    Raises:
        ValueError: as `require_same`.
    """
    require_same(state, tensors)
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(state[name])


def _views(flat: Tensor, like: Mapping[str, Tensor]) -> Tensors:
    """[member, …] parts of [member, weight] in the shapes of one network's parameters, as leaves of their own."""
    parts = torch.split(flat, [tensor.numel() for tensor in like.values()], dim=1)
    return {
        name: part.view(len(flat), *tensor.shape).detach().requires_grad_()
        for (name, tensor), part in zip(like.items(), parts, strict=True)
    }
