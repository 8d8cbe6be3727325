"""Hyper-parameters that a tool or a file names: facts of a member, and arguments of its builder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lrensemble.models import MODELS
from lrensemble.spec import Spec
from lrensemble.text import from_json

TABLES = (
    "args",
    "cfg",
    "config",
    "hparams",
    "hp",
    "hyper_parameters",
    "hyperparameters",
    "kwargs",
    "metrics",
    "model_args",
    "model_kwargs",
    "opt",
    "params",
    "settings",
)
"""Names under which training scripts save tables of hyper-parameters and of metrics."""

LONGEST = 500
"""Characters of a text, and values of a list, that are still a fact."""


def plain_values(content: Any) -> dict[str, Any]:
    """Numbers and texts by name, ready for JSON, of what a file holds beside weights; tables of such are laid flat.

    Args:
        content: tensors of more than one number, states of optimizers and what else is no plain value are left out.
    """
    if not isinstance(content, Mapping):
        return {}
    found = {str(name): each for name, value in content.items() if (each := _plain(value)) is not None}
    for name in TABLES:
        for inner, value in plain_values(content.get(name)).items():
            found.setdefault(inner, value)
    return found


def value_of(text: str) -> Any:
    """Value that a tool wrote as a text: `0.1`, `True`, `None`; a text where it is nothing else."""
    try:
        return from_json({"True": "true", "False": "false", "None": "null"}.get(text, text), nan=True)
    except ValueError:
        return text


def with_arguments(builder: Spec, given: Mapping[str, Any]) -> Spec:
    """A builder with those hyper-parameters that it takes by name and that it was not given already.

    Raises:
        SpecError: there is no such builder.
    """
    taken = MODELS.arguments(builder.name)
    more = {name: value for name, value in given.items() if name in taken and name not in builder.arguments}
    return Spec(builder.name, {**builder.arguments, **more}) if more else builder


def _plain(value: Any) -> Any:
    """A value as JSON has it, or None."""
    if isinstance(value, Tensor):
        value = value.item() if value.ndim == 0 else None
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return value if len(value) <= LONGEST else None
    if isinstance(value, list | tuple) and 0 < len(value) <= LONGEST:
        parts = [_plain(each) for each in value]
        return None if None in parts else parts
    return None
