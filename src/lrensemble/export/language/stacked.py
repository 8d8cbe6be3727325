"""Plain LoRA adapters of one base as one network: their thin matrices stacked along a leading member axis.

The frozen weights are multiplied with the rows of all members at once, and what the adapters add takes two batches of
thin products a layer, not two products a layer and member. Nothing of `peft` runs in the forward pass.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from lrensemble.errors import ExportError
from lrensemble.language.lora_layers import EMPTY_IN_PLAIN, adapted_layers, add_products

EXPERTS = "experts"
"""In the name of a layer that is given some of the rows alone, whichever a router chose."""


@dataclass(frozen=True, eq=False)
class Products:
    """What members add to one layer."""

    down: Tensor
    """A, [member, rank, input]; a lower rank is filled with zeros."""
    up: Tensor
    """B, [member, output, rank]; zeros for a member that leaves the layer as it is."""
    scale: Tensor
    """s, [member]."""


@dataclass
class _Rows:
    """What the layers are being asked."""

    rows: int = 0
    """Rows of all members together."""
    positions: int = 0
    """Tokens of each row."""


class StackedMembers(nn.Module):
    """A base whose layers add what the adapter of each member says to the rows of that member.

    Its modules are its own; its weights are those of the base that was given, which stays as it is.
    """

    def __init__(self, model: Any, products: dict[str, Products]) -> None:
        """Put products around layers of a base.

        Args:
            model: of `peft`, ready to predict.
            products: by the names of layers of the base.
        """
        super().__init__()
        self.products, self._rows = products, _Rows()
        source = model.get_base_model()
        # What has weights is shared; what is written in the forward pass, as caches of positions are, is not.
        self.base = copy.deepcopy(source, {id(each): each for each in source.parameters()})
        for name, layer in list(adapted_layers(self.base)):
            parent, _, last = name.rpartition(".")
            own: nn.Module = layer.base_layer
            if name in products:
                own = _StackedLinear(own, products[name], self._rows)
            setattr(self.base.get_submodule(parent), last, own)

    @classmethod
    def of(cls, model: Any, keys: Sequence[str]) -> Self:
        """Adapters of a model of `peft` as one; `can_be_stacked` says of which."""
        layers = {name: _products(layer, keys) for name, layer in adapted_layers(model.get_base_model())}
        return cls(model, {name: each for name, each in layers.items() if each is not None})

    def alone(self, model: Any, place: int) -> StackedMembers:
        """One of the members, in the memory of all of them.

        Args:
            model: that this was made of.
            place: of the member.
        """
        one = slice(place, place + 1)
        parts = {name: Products(p.down[one], p.up[one], p.scale[one]) for name, p in self.products.items()}
        return StackedMembers(model, parts)

    def forward(self, input_ids: Tensor, **given: Any) -> Any:
        """What the base says to tokens [member · row, position]; the rows of the first member come first."""
        self._rows.rows, self._rows.positions = input_ids.shape
        return self.base(input_ids=input_ids, **given)


class _StackedLinear(nn.Module):
    """A layer of the base, and what the adapters of all members add to it."""

    down: Tensor
    up: Tensor
    scale: Tensor

    def __init__(self, base: nn.Module, products: Products, rows: _Rows) -> None:
        super().__init__()
        self.base, self._rows = base, rows
        self.register_buffer("down", products.down, persistent=False)
        self.register_buffer("up", products.up, persistent=False)
        self.register_buffer("scale", products.scale, persistent=False)
        first = float(products.scale[0])
        self._common = first if bool((products.scale == first).all()) else None

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs [member · row, position, output] for inputs [member · row, position, input].

        Raises:
            ExportError: the rows have been divided otherwise than by member.
        """
        asked = self._rows
        flat = inputs.ndim == 2 and len(inputs) == asked.rows * asked.positions
        if not flat and (inputs.ndim != 3 or len(inputs) != asked.rows):
            raise ExportError(
                f"a layer of this base is given {tuple(inputs.shape)}, not the {asked.rows} rows of all members, and "
                "cannot tell whose they are; a base that divides its rows, as experts do, is not served as a team"
            )
        said: Tensor = self.base(inputs)
        scale = self.scale if self._common is None else self._common
        return add_products(said, inputs.to(self.down.dtype), self.down, self.up, scale)


def can_be_stacked(model: Any, keys: Sequence[str]) -> bool:
    """Whether adapters add two thin products to layers that are given all rows, in one type, and do nothing else."""
    layers = [layer for _, layer in adapted_layers(model.get_base_model()) if _known(layer, keys)]
    return all(_is_plain(layer, keys) for layer in layers) and not has_experts(model, keys)


def has_experts(model: Any, keys: Sequence[str]) -> bool:
    """Whether adapters change layers that are given some of the rows alone."""
    return any(EXPERTS in name and _known(layer, keys) for name, layer in adapted_layers(model.get_base_model()))


def _known(layer: Any, keys: Sequence[str]) -> list[str]:
    """Those of the adapters that change a layer."""
    parts = (layer.lora_A, *(getattr(layer, name, None) or {} for name in EMPTY_IN_PLAIN))
    return [key for key in keys if any(key in part for part in parts)]


def _is_plain(layer: Any, keys: Sequence[str]) -> bool:
    found = _known(layer, keys)
    if any(key in (getattr(layer, name, None) or {}) for key in found for name in EMPTY_IN_PLAIN):
        return False
    parts = [part for key in found for part in (layer.lora_A[key], layer.lora_B[key])]
    linear = all(isinstance(part, nn.Linear) and part.bias is None for part in parts)
    return linear and len({part.weight.dtype for part in parts}) == 1


def _products(layer: Any, keys: Sequence[str]) -> Products | None:
    """What members add to a layer; None where none changes it."""
    known = _known(layer, keys)
    if not known:
        return None
    first_down, first_up = layer.lora_A[known[0]].weight, layer.lora_B[known[0]].weight
    rank = max(layer.lora_A[key].weight.shape[0] for key in known)
    down, up = list[Tensor](), list[Tensor]()
    for key in keys:
        own = layer.lora_A[key].weight if key in known else first_down.new_zeros(0, first_down.shape[1])
        other = layer.lora_B[key].weight if key in known else first_up.new_zeros(first_up.shape[0], 0)
        down.append(pad(own.detach(), (0, 0, 0, rank - own.shape[0])))
        up.append(pad(other.detach(), (0, rank - other.shape[1])))
    # A member that leaves the layer as it is adds zeros at any scale: at that of another there may be one for all.
    scales = [layer.scaling[key if key in known else known[0]] for key in keys]
    of_scales = torch.promote_types(torch.float32, first_up.dtype)
    found = Products(torch.stack(down), torch.stack(up), torch.tensor(scales, dtype=of_scales, device=first_up.device))
    for place, key in enumerate(keys):
        if key in known:  # in the memory of the stack, so that there is one copy of each
            size = layer.lora_A[key].weight.shape[0]
            layer.lora_A[key].weight.data = found.down[place, :size]
            layer.lora_B[key].weight.data = found.up[place, :, :size]
    return found
