"""Weights of Lightning's modules as those of the network that a builder makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from lrensemble.adopt.found import Asked, Found
from lrensemble.adopt.prefixes import prefix_of
from lrensemble.adopt.weights import without_prefix
from lrensemble.config import Network
from lrensemble.errors import AdoptError
from lrensemble.spec import Spec


def found_of(
    weights: Mapping[str, Tensor],
    asked: Asked,
    *,
    name: str,
    prefix: str | None = None,
    facts: Mapping[str, Any] | None = None,
    history: Sequence[Mapping[str, object]] = (),
    logged: Mapping[str, float] | None = None,
) -> Found:
    """A network by the weights of a module of Lightning that holds it.

    Args:
        weights: of the module, by name.
        asked: with the builder of the module, or of the network in it.
        name: what it is called.
        prefix: of the names of the network's weights in the module, `net.`; found unless given.
        facts: what is known of its training.
        history: one line for each epoch.
        logged: metrics on the validation rows.

    Raises:
        AdoptError: no builder, or no such weights.
    """
    builder = required_builder(asked, name)
    weights = without_prefix({key: each.detach().cpu().clone() for key, each in weights.items()})
    if prefix is None:
        prefix = prefix_of(weights, builder, asked)
    kept = {key.removeprefix(prefix): each for key, each in weights.items() if key.startswith(prefix)}
    if not kept:
        known = ", ".join(dict.fromkeys(key.partition(".")[0] + "." for key in weights))
        raise AdoptError(f"{name} has no weights that begin with {prefix!r}; they begin with {known}")
    gives = asked.gives or asked.target.network_gives
    network = Network(model=builder, gives=gives)
    return Found(name, network, weights=kept, facts=facts or {}, history=history, logged=logged or {})


def required_builder(asked: Asked, name: str) -> Spec:
    """What builds the network.

    Raises:
        AdoptError: nobody said.
    """
    if asked.builder is None:
        raise AdoptError(
            f"{name} is of Lightning, whose module is built by your code: give builder='package.module:function' of "
            "(shape, outputs) that gives the module, or the network in it"
        )
    return asked.builder
