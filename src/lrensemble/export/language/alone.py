"""Language models of a pool, one at a time on one base that is loaded once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar, get_args

import torch

from lrensemble.config import Base
from lrensemble.errors import PoolError
from lrensemble.export.language.adapters import adapter_of, with_adapters
from lrensemble.language.base import LoadedBase, load_base
from lrensemble.language.shared import Type
from lrensemble.pool import Member
from lrensemble.spec import to_spec

R = TypeVar("R")

KEY = "asked"
"""Name of the one adapter on a base."""


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
        self._dtype: torch.dtype = getattr(torch, dtype_of(members))

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
    """A model like the base, with the weights that a member learnt as a whole model; frozen ones are the base's.

    Raises:
        PoolError: it is of another model.
    """
    model = copy.deepcopy(base)
    weights, known = member.weights(), dict(model.named_parameters())
    if not weights or any(name not in known or each.shape != known[name].shape for name, each in weights.items()):
        raise PoolError(f"the weights of member {member.id} ({member.name}) are not those of a model like its base")
    with torch.no_grad():
        for name, learnt in weights.items():
            known[name].copy_(learnt)
    return model.eval()


def dtype_of(members: Sequence[Member]) -> Type:
    """Type of the base's weights that members were trained on: of the first that says it, or float32."""
    recipes = (member.recipe for member in members if member.recipe is not None)
    given = next((to_spec(recipe["model"]).arguments.get("dtype") for recipe in recipes), None)
    return next((each for each in get_args(Type) if each == given), "float32")
