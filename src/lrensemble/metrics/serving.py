"""Which target a metric, a consensus or a diversity measure serves: each says so in its facts, and is asked here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lrensemble.errors import SpecError
from lrensemble.registry import Registry
from lrensemble.spec import Spec, SpecLike
from lrensemble.targets import Need

OF_CLASSES = ("classes", "choices")
"""Targets that are one of a number of answers: what is predicted of them are probabilities."""


def as_targets(given: Iterable[str]) -> tuple[str, ...]:
    """Kinds of target, also where one alone was stated as its name."""
    return (given,) if isinstance(given, str) else tuple(given)


def least_needs(stated: Need, targets: tuple[str, ...]) -> Need:
    """What is needed: values, where one that is for values alone has not said more."""
    return stated if stated in ("values", "distribution") or set(OF_CLASSES) & set(targets) else "values"


def serving(registry: Registry[Any, Any], target: str) -> list[str]:
    """Names of those that serve a kind of target, in the order of their registration."""
    return [name for name in registry if target in registry.facts(name).targets]


def require_target(registry: Registry[Any, Any], given: SpecLike, target: str) -> Spec:
    """The spec, checked; what is inside it (`tempered(consensus=…)`) as well.

    Args:
        registry: where the name is registered; its facts have `targets`.
        given: a registered name with its arguments.
        target: the kind of target: `classes`, `choices` or `values`.

    Raises:
        UnknownNameError, SpecError: as `Registry.check` does, or it does not serve this kind of target; the line names
            those that do.
    """
    spec = registry.check(given)
    own = registry.facts(spec).targets
    if target not in own:
        raise SpecError(
            f"{registry.kind} {spec.name!r} is for {' and '.join(own)}, and the target here is {target}; "
            f"use one of {', '.join(serving(registry, target))}"
        )
    inner = spec.arguments.get(registry.kind)
    if isinstance(inner, str | Spec):
        require_target(registry, inner, target)
    return spec
