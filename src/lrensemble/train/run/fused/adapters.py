"""LoRA adapters of one base as one: thin matrices stacked along a leading member axis, around weights that all share.

A layer multiplies the rows of all members by its frozen weights at once, and adds s B_m A_m x to the rows of each (Hu
et al. 2022, section 4.1) by two batches of products of thin matrices.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from lrensemble.errors import TrainingError
from lrensemble.language.adapters import adapter_weights
from lrensemble.language.lora_layers import EMPTY_IN_PLAIN, adapted_layers, add_products
from lrensemble.train.run.fused.draws import Draws
from lrensemble.train.run.fused.weights import StackedWeights, Tensors, stacked


@dataclass
class _Asked:
    """What the layers of a stack are to compute at the moment."""

    rows: int = 0
    """Rows of all members together, those of the first member first."""
    draws: Draws | None = None
    """What dropout takes; None where nothing is left out."""
    member: int | None = None
    """The one whose rows all are, where there is one."""


class StackedAdapters:
    """Several adapters of one base, of one rank, scale and layers, run by one program."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        """Stack the adapters of networks, which are left as they are.

        Args:
            networks: [member] as `peft` makes them, on one device, with the weights of one base.

        Raises:
            TrainingError: they are no plain LoRA adapters, or differ in base, rank, scale, dropout or layers.
        """
        facts = [_facts(network) for network in networks]
        for member, other in enumerate(facts):
            if other != facts[0]:
                what = next(key for key in facts[0] if other[key] != facts[0][key])
                raise TrainingError(f"adapters 0 and {member} differ in {what}; train them in groups of their own")
        named = [dict(_adapter_parameters(network)) for network in networks]
        trained = [{name: each for name, each in own.items() if each.requires_grad} for own in named]
        self.weights = StackedWeights(trained)
        frozen = stacked([{name: each for name, each in own.items() if not each.requires_grad} for own in named])
        self.parameters: Tensors = self.weights.trained | frozen
        """[member, …] of every parameter of the adapters, by name."""
        saved = {each.data_ptr(): name for name, each in adapter_weights(networks[0]).items()}
        self._saved = {saved[each.data_ptr()]: name for name, each in named[0].items()}
        self._asked = _Asked()
        self.base = self._adapted(networks[0])
        """The base, whose layers add what the adapters say."""

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def drops(self) -> bool:
        """Whether training leaves out a share of what adapters are given."""
        return any(isinstance(part, _StackedLinear) and part.dropout for part in self.base.modules())

    def state_of(self, member: int) -> Tensors:
        """Weights of one adapter by the names that `peft` saves them under, in the memory of the stack."""
        return {saved: self.parameters[name][member].detach() for saved, name in self._saved.items()}

    @contextmanager
    def together(self, rows: int, draws: Draws | None = None) -> Iterator[nn.Module]:
        """The base for rows of all members together.

        Args:
            rows: how many, the same number of each member; those of the first come first.
            draws: what dropout takes; None where nothing is left out.
        """
        self._asked.rows, self._asked.draws, self._asked.member = rows, draws, None
        yield self.base

    @contextmanager
    def alone(self, member: int) -> Iterator[nn.Module]:
        """The base as one member has it, for rows of that member."""
        self._asked.draws, self._asked.member = None, member
        yield self.base

    def _adapted(self, network: Any) -> nn.Module:
        """A copy of the base of a network that shares its weights, whose layers ask this stack."""
        model: nn.Module = network.get_base_model()
        base = copy.deepcopy(model, {id(each): each for each in model.parameters()})
        names = {id(each): name for name, each in _adapter_parameters(network)}
        for name, layer in list(adapted_layers(model)):
            down, up = (self.parameters[names[id(part.weight)]] for part in _matrices(layer))
            (key,) = layer.lora_A
            parent, _, last = name.rpartition(".")
            wrapped: Any = base.get_submodule(name)
            own = _StackedLinear(wrapped.base_layer, down, up, layer.scaling[key], _dropout(layer), self._asked)
            setattr(base.get_submodule(parent), last, own)
        return base


class _StackedLinear(nn.Module):
    """A layer of the base, and what the adapters of all members add to it."""

    def __init__(self, base: nn.Module, down: Tensor, up: Tensor, scale: float, dropout: float, asked: _Asked) -> None:
        """Hold tensors that belong to the stack.

        Args:
            base: layer of the base.
            down: A, [member, rank, input].
            up: B, [member, output, rank].
            scale: s.
            dropout: share of the inputs of A that training leaves out.
            asked: what is to be computed.
        """
        super().__init__()
        self.base, self.scale, self.dropout = base, scale, dropout
        self.down, self.up, self.asked = down, up, asked

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs [row, length, output] for inputs [row, length, input], in the type of the base's own.

        Raises:
            TrainingError: the rows have been divided otherwise than by member, as experts do it.
        """
        said: Tensor = self.base(inputs)
        member, drops = self.asked.member, self.dropout and self.asked.draws is not None
        # What autocast rounds is not made wider before.
        given = inputs if torch.is_autocast_enabled(inputs.device.type) and not drops else inputs.to(self.down.dtype)
        if member is not None:
            added = linear(linear(given, self.down[member]), self.up[member]) * self.scale
            return (said + added).to(said.dtype)
        if inputs.ndim != 3 or len(inputs) != self.asked.rows:
            raise TrainingError(f"a layer is given {tuple(inputs.shape)}, not {self.asked.rows} rows of all members")
        if drops and self.asked.draws is not None:
            given = given * self.asked.draws.scales(given, self.dropout)
        return add_products(said, given, self.down, self.up, self.scale)


def _facts(network: nn.Module) -> Mapping[str, object]:
    """What the adapters of a group have in common, by the word for it.

    Raises:
        TrainingError: the network is no plain LoRA adapter.
    """
    layers = dict(adapted_layers(network.get_base_model())) if hasattr(network, "get_base_model") else {}  # type: ignore[operator]
    if any(
        len(layer.lora_A) != 1 or any(getattr(layer, name, None) for name in EMPTY_IN_PLAIN)
        for layer in layers.values()
    ):
        raise TrainingError("an adapter that is no plain LoRA, as DoRA is none, is trained alone")
    matrices = [part.weight for layer in layers.values() for part in _matrices(layer)]
    trained = {id(each) for each in network.parameters() if each.requires_grad}
    own = {id(each) for each in matrices}
    if not own or not trained <= own:
        raise TrainingError("the model is no LoRA adapter, or trains more than its two matrices a layer")
    return {
        "base": [each.data_ptr() for each in network.parameters() if id(each) not in own],
        "layers": list(layers),
        "rank": [each.shape for each in matrices],
        "scale": [list(layer.scaling.values()) for layer in layers.values()],
        "dropout": [_dropout(layer) for layer in layers.values()],
        "what is trained": [each.requires_grad for each in matrices],
    }


def _matrices(layer: Any) -> tuple[Any, Any]:
    """A and B of a layer, as layers of their own."""
    (down,), (up,) = layer.lora_A.values(), layer.lora_B.values()
    return down, up


def _dropout(layer: Any) -> float:
    """Share of the inputs of a layer's A that training leaves out."""
    (part,) = layer.lora_dropout.values()
    return float(getattr(part, "p", 0.0))


def _adapter_parameters(network: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Parameters of an adapter by their names in the whole network, in the order of these."""
    own = {id(part.weight) for _, layer in adapted_layers(network) for part in _matrices(layer)}
    return ((name, each) for name, each in network.named_parameters() if id(each) in own)
