"""Language models of a pool, one at a time on one base that is loaded once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

import torch

from lrensemble.config import Base
from lrensemble.errors import PoolError
from lrensemble.export.language.adapters import adapter_of, with_adapters
from lrensemble.language.base import LoadedBase, load_base
from lrensemble.pool import Member
from lrensemble.spec import to_spec

R = TypeVar("R")

KEY = "asked"
"""Name of the one adapter on a base."""
TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Alone:
    """The base and the members that were trained of it, each for itself. Nothing is loaded before somebody speaks."""

    def __init__(self, base: Base, members: Sequence[Member], device: torch.device | str = "cpu") -> None:
        """Remember what is to be loaded.

        Args:
            base: that all members share.
            members: whose recipes say in which type the base's weights are to be.
            device: where the models are.
        """
        self._base, self._device = base, device
        self._dtype = next((found for found in map(_dtype_of, members) if found is not None), torch.float32)

    @cached_property
    def _loaded(self) -> LoadedBase:
        return load_base(self._base, dtype=self._dtype, device=self._device)

    @property
    def tokenizer(self) -> Any:
        """The tokenizer of the base."""
        return self._loaded.tokenizer

    def as_it_speaks(self, member: Member | None, ask: Callable[[Any], R]) -> R:
        """What is made of a member's model, or of the base alone.

        Args:
            member: an adapter or a whole model; None for the base.
            ask: takes a causal model, ready to predict, which it does not keep.

        Raises:
            PoolError: its files are damaged, or of another model.
            ExportError: an adapter that does not fit the base.
            SpecError, UntrustedError, StorageError, MissingExtraError: as `load_base`.
        """
        model = self._loaded.model
        if member is None:
            return ask(model)
        if member.adapter is None:
            return ask(_whole(model, member))
        adapter = adapter_of(member.folder, member.adapter, member.weights())
        # Modules of its own, whose weights are those of the base: peft changes modules.
        shared = copy.deepcopy(model, {id(each): each for each in model.parameters()})
        return ask(with_adapters(shared, [KEY], [adapter]).to(self._device))


def _whole(base: Any, member: Member) -> Any:
    """A model like the base, with all weights of a member that was fine-tuned as a whole.

    Raises:
        PoolError: it is of another model.
    """
    model = copy.deepcopy(base)
    weights, known = member.weights(), dict(model.named_parameters())
    if {name: each.shape for name, each in weights.items()} != {name: each.shape for name, each in known.items()}:
        raise PoolError(f"the weights of member {member.id} ({member.name}) are not those of a model like its base")
    with torch.no_grad():
        for name, parameter in known.items():
            parameter.copy_(weights[name])
    return model.eval()


def _dtype_of(member: Member) -> torch.dtype | None:
    """Type of the base's weights that a member was trained on; None where it does not say."""
    if member.recipe is None:
        return None
    return TYPES.get(str(to_spec(member.recipe["model"]).arguments.get("dtype", "float32")))
