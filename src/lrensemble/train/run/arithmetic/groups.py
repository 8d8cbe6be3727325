"""Groups of parameters: which have a rate of their own, and which are frozen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from torch import nn

from lrensemble.config import ParameterGroup
from lrensemble.errors import TrainingError
from lrensemble.text import shortened

NAMED = 8
"""Names of parameters that a message tells at most."""


def rate_factors(names: Iterable[str], groups: Sequence[ParameterGroup]) -> list[float]:
    """Factor on the policy's rate for each parameter, by its name: that of the first group whose pattern is in it."""
    return [next((group.rate for group in groups if re.search(group.parameters, name)), 1.0) for name in names]


def freeze(model: nn.Module, groups: Sequence[ParameterGroup]) -> None:
    """Take the parameters of groups with rate 0 out of the training: they have no gradient and no part in its norm."""
    names = [name for name, _ in model.named_parameters()]
    for parameter, factor in zip(model.parameters(), rate_factors(names, groups), strict=True):
        if factor == 0:
            parameter.requires_grad_(False)


def check_groups(names: Sequence[str], groups: Sequence[ParameterGroup]) -> None:
    """Refuse patterns that are in no name of a model's parameters, and groups that leave nothing to train.

    Raises:
        TrainingError: with the names that there are.
    """
    some = ", ".join(names[:NAMED]) + (f", … ({len(names)} in all)" if len(names) > NAMED else "")
    for place, group in enumerate(groups):
        if not any(re.search(group.parameters, name) for name in names):
            wrong = shortened(group.parameters)
            raise TrainingError(f"train.group[{place}]: {wrong} is in the name of no parameter; the model has {some}")
    if groups and not any(rate_factors(names, groups)):
        raise TrainingError(f"train.group: rate 0 freezes all parameters of the model; leave one of {some}")
