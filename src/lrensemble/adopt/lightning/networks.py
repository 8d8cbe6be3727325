"""Weights of Lightning's modules as those of the network that a builder makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from lrensemble import models
from lrensemble.adopt.found import Asked, Found
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
        prefix = prefix_of(weights, asked)
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


def prefix_of(weights: Mapping[str, Tensor], asked: Asked) -> str:
    """Prefix under which a module has all weights of the network that is asked for; none where it is not clear."""
    outputs = asked.target.head(None).outputs
    wanted = models.build(required_builder(asked, "the module"), asked.inputs.shape, outputs, seed=0).state_dict()
    if set(wanted) <= set(weights) or not wanted:
        return ""
    first = next(iter(wanted))
    tried = [key.removesuffix(first) for key in weights if key.endswith(f".{first}")]
    fitting = [prefix for prefix in tried if _has(weights, prefix, wanted)]
    return fitting[0] if len(fitting) == 1 else ""


def _has(weights: Mapping[str, Tensor], prefix: str, wanted: Mapping[str, Tensor]) -> bool:
    return all(
        (f := weights.get(f"{prefix}{key}")) is not None and f.shape == each.shape for key, each in wanted.items()
    )
