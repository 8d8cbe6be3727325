"""Whole numbers among the arguments of a policy that can only have been meant as epochs, or that no run reaches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

from lrensemble.errors import SpecError
from lrensemble.policies.base import POLICIES
from lrensemble.policies.positions import Position, in_steps
from lrensemble.spec import Spec, Value, to_spec

EARLY = 20
"""Part of the run, one divided by this, in which moments and lengths lie that were hardly meant as steps."""


def meant_as_epochs(policy: Spec, epochs: int, total: int) -> Iterator[str]:
    """One line for each argument that is in steps, where epochs must be meant: for people.

    Its numbers are whole and no more than the epochs of the run, and as steps all are over in its first twentieth.

    Args:
        policy: also those in it are looked at.
        epochs: of the run.
        total: steps of the run.
    """
    for name, key, value in _in_steps(policy):
        steps = value if isinstance(value, tuple) else (value,)
        if 1 < max(steps) <= min(epochs, total // EARLY):
            written = [f"{each} epoch{'s' if each > 1 else ''}" for each in steps]
            shown = json.dumps(written if isinstance(value, tuple) else written[0])
            yield (
                f"policy {name}: {key} = {_shown(value)} are steps, of which the run has {total:,}, "
                f"{total // epochs:,} an epoch; for epochs write {key} = {shown}"
            )


def beyond_the_end(policy: Spec, epochs: int, total: int) -> Iterator[str]:
    """One line for each argument that is whole numbers of steps, all beyond the end of a run, for people.

    Args:
        policy: with its arguments, as `meant_as_epochs` takes it.
        epochs: of the run.
        total: steps of the run.
    """
    for name, key, value in _in_steps(in_steps(policy, total // epochs, lambda _: None)):
        if min(value if isinstance(value, tuple) else (value,)) > total:
            yield (
                f"policy {name}: {key} = {_shown(value)} are steps, and the run ends after {total:,}, "
                f"{total // epochs:,} an epoch: it never comes so far"
            )


def _in_steps(policy: Spec) -> Iterator[tuple[str, str, int | tuple[int, ...]]]:
    """Names of a policy and of its arguments that are whole numbers of steps, with these; of the policies in it too."""
    registered = POLICIES.find(policy.name)
    for key, value in policy.arguments.items():
        for inner in _policies_in(value):
            yield from _in_steps(inner)
        numbers = value if isinstance(value, tuple) else (value,)
        steps = tuple(each for each in numbers if isinstance(each, int) and not isinstance(each, bool))
        if steps and len(steps) == len(numbers) and _takes_position(registered.hints.get(key)):
            yield policy.name, key, steps if isinstance(value, tuple) else steps[0]


def _shown(value: int | tuple[int, ...]) -> int | list[int]:
    return list(value) if isinstance(value, tuple) else value


def _takes_position(annotation: Any) -> bool:
    inner = get_args(annotation)
    return set(inner) >= set(get_args(Position)) or any(map(_takes_position, inner))


def _policies_in(value: Value) -> Iterator[Spec]:
    if isinstance(value, tuple):
        for item in value:
            yield from _policies_in(item)
    elif isinstance(value, Spec):
        yield value
    elif isinstance(value, str) and "(" in value:
        try:
            spec = to_spec(value)
        except SpecError:  # a text of another kind
            return
        if spec.name in POLICIES:
            yield spec
