"""Weights that members end with where these are not the ones that are trained on: of their best epoch, or the last."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

KEPT = "kept/"
"""Beginning of the names of kept tensors in a state."""


class Kept:
    """Copies of members' weights, on the device that they were trained on."""

    def __init__(self) -> None:
        self._weights: dict[int, dict[str, Tensor]] = {}

    def __contains__(self, member: int) -> bool:
        return member in self._weights

    def take(self, member: int, weights: Mapping[str, Tensor]) -> None:
        """Copy a member's weights, in the place of earlier ones."""
        self._weights[member] = {name: tensor.detach().clone() for name, tensor in weights.items()}

    @torch.no_grad()
    def put(self, member: int, weights: Mapping[str, Tensor]) -> None:
        """Write the kept weights of a member over others."""
        for name, tensor in self._weights[member].items():
            weights[name].copy_(tensor)

    def state(self) -> dict[str, Tensor]:
        """All of them, as `kept/<member>/<name>`: for a file."""
        found = self._weights.items()
        return {f"{KEPT}{member}/{name}": tensor for member, own in found for name, tensor in own.items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` gave."""
        self._weights = {}
        for path, tensor in tensors.items():
            member, _, name = path.removeprefix(KEPT).partition("/")
            self._weights.setdefault(int(member), {})[name] = tensor
