"""Weights of a network among those of a module that holds it: all their names begin with its name there."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from lrensemble import models
from lrensemble.adopt.found import Asked
from lrensemble.spec import Spec


def prefix_of(weights: Mapping[str, Tensor], builder: Spec, asked: Asked) -> str:
    """Prefix under which a module has all weights of the network that is asked for; none where it is not clear.

    Args:
        weights: of the module, by name.
        builder: what builds the network.
        asked: its inputs and outputs.

    Raises:
        SpecError: it cannot be built.
    """
    outputs = asked.target.head(None).outputs
    wanted = models.build(builder, asked.inputs.shape, outputs, seed=0).state_dict()
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
