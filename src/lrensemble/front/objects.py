"""Networks and rates that are given as they are: a class, a function or a module, a function of the step."""

from __future__ import annotations

import copy
import functools
import inspect
import numbers
import sys
import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import nn

from lrensemble.errors import SpecError
from lrensemble.front.fingerprint import fingerprint
from lrensemble.here import hold
from lrensemble.policies import Policy
from lrensemble.policies.torch_adapter import detached, is_scheduler, policy_of
from lrensemble.registry import ask_for, reason_of
from lrensemble.spec import Spec

PROBED = (0, 1000)
"""Steps, or numbers of steps, that a function is tried with to see what it is a function of."""
PEAK = 0.1
"""Rate of the optimizer that a function makes a scheduler for; a scheduler that was made has that of its own."""


def as_model(given: Any) -> Any:
    """A network in a form that an experiment holds; names and tables stay as they are.

    A class or a function is called for every member: with `(shape, outputs)`, or with nothing where it needs nothing. A
    module stands for itself with its weights: every member begins with a copy of it.

    Raises:
        SpecError: a class or a function that takes something else.
    """
    if isinstance(given, str | Spec | Mapping):
        return given
    if isinstance(given, nn.Module):
        return _held(lambda shape, outputs: copy.deepcopy(given), type(given).__name__, given)  # noqa: ARG005
    if not callable(given):
        raise SpecError(f"a model is a name, a class, a function or a torch.nn.Module; given: {type(given).__name__}")
    needed, first = _needed(given)
    if len(needed) >= 2 or first == "shape":
        return given if is_importable(given) else _held(_passed_on(given), None, given)
    if not needed:
        return _held(lambda shape, outputs: given(), None, given)  # noqa: ARG005
    raise SpecError(
        f"model {_name(given)} needs {needed[0]}: it must take (shape, outputs), the shape of one input and the number "
        f"of outputs, or nothing; give lambda shape, outputs: {_name(given)}({needed[0]}=…)"
    )


def as_train_function(given: Any) -> Any:
    """A function that trains a run, in a form that an experiment holds; names and tables stay as they are.

    Raises:
        SpecError: nothing that is called with (recipe, dataset).
    """
    if given is None or isinstance(given, str | Spec | Mapping):
        return given
    if not callable(given):
        raise SpecError(f"train.function is a name or a function of (recipe, dataset); given: {type(given).__name__}")
    return given if is_importable(given) else _held(_passed_on(given), None, given, "loop")


def _passed_on(given: Callable[..., Any]) -> Callable[..., Any]:
    """A function with the signature of another, partial or method as it may be."""

    @functools.wraps(given, assigned=(), updated=())
    def called(*args: Any, **kwargs: Any) -> Any:
        return given(*args, **kwargs)

    return called


def as_policies(given: Any) -> Any:
    """Policies in a form that an experiment holds; a single one stands for a list of it."""
    return [as_policy(each) for each in given] if isinstance(given, list | tuple) else [as_policy(given)]


def as_policy(given: Any) -> Any:
    """A policy in a form that an experiment holds; names and tables stay as they are.

    A function is one of the step, of the step and the number of steps, or, as registered ones are, of the number of
    steps alone that returns a function of the step; or of an optimizer, perhaps with the number of steps, that returns
    a scheduler. A scheduler stands for its rates from where it is, with a `step` after every step of the run.

    Raises:
        SpecError: no function of these.
    """
    if isinstance(given, str | Spec | Mapping):
        return given
    if isinstance(given, Policy):
        return given.spec
    if is_scheduler(given):
        return _of_scheduler(given)
    if not callable(given):
        raise SpecError(f"a policy is a name or a function of the step; given: {type(given).__name__}")
    needed, first = _needed(given)
    if first == "optimizer":
        return _of_factory(given, len(needed))
    if first == "total" and is_importable(given):
        return given
    if len(needed) == 2:
        return _held(lambda total: lambda step: given(step, total), None, given, "rate")
    found = _tried(given)
    if is_scheduler(found):
        return _of_factory(given, 1)
    if isinstance(found, numbers.Real):
        return _held(lambda total: given, None, given, "rate")  # noqa: ARG005
    return given if is_importable(given) else _held(lambda total: given(total), None, given, "rate")


def _of_scheduler(given: Any) -> Spec:
    """A policy of a scheduler as it stands now."""
    still = detached(given)
    return _held(lambda total: policy_of(still, total), type(given).__name__, _content(still), "rate")


def _of_factory(given: Callable[..., Any], arguments: int) -> Spec:
    """A policy of a function that makes schedulers, which gets the number of steps as well where it asks for it."""

    def build(total: int) -> Policy:
        make = given if arguments < 2 else lambda optimizer: given(optimizer, total)
        return policy_of(make, total, peak=PEAK)

    return _held(build, None, given, "rate")


def _content(scheduler: Any) -> tuple[Any, ...]:
    """What the rates of a scheduler follow from: its class, its values, and the groups of its optimizer."""
    own = {
        key: [_content(each) if is_scheduler(each) else each for each in value] if isinstance(value, list) else value
        for key, value in vars(scheduler).items()
        if key != "optimizer"
    }
    groups = scheduler.optimizer.param_groups
    return type(scheduler), own, [{key: each[key] for key in each if key != "params"} for each in groups]


def _tried(given: Callable[..., Any]) -> object:
    """What a function of one number returns: a rate, or a function of the step; or else what it makes of an optimizer.

    Raises:
        SpecError: neither.
    """
    reason = ""
    for number in PROBED:
        try:
            found = given(number)
        except Exception as error:  # a function of the user's
            reason = reason or f"it raised {reason_of(error)}"
            continue
        if isinstance(found, numbers.Real) or callable(found) or isinstance(found, tuple):
            return found
        reason = f"it returned {type(found).__name__}"
    with suppress(Exception):
        made: object = given(torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=PEAK))
        if is_scheduler(made):
            return made
    raise SpecError(
        f"policy {_name(given)} is no function of the step: {reason}; give a function from a step to a rate, such as "
        "lambda step: 0.1 * 0.99**step"
    )


def is_importable(given: Callable[..., Any]) -> bool:
    """Whether another process finds the same object by the name of its module."""
    module = sys.modules.get(getattr(given, "__module__", None) or "")
    if module is None or module.__name__ == "__main__" or getattr(module, "__file__", None) is None:
        return False
    found: Any = module
    for part in getattr(given, "__qualname__", "<none>").split("."):
        found = getattr(found, part, None)
    return found is given


def _needed(given: Callable[..., Any]) -> tuple[list[str], str]:
    """Names of the arguments by position that a function needs, and the name of its first."""
    try:
        parameters = list(inspect.signature(given).parameters.values())
    except (TypeError, ValueError):  # built into Python
        return [], ""
    placed = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    return [each.name for each in placed if each.default is each.empty], placed[0].name if placed else ""


def _held(function: Callable[..., Any], name: str | None, given: Any, unnamed: str = "model") -> Spec:
    """Spec of a function that holds an object, under a name with the hash of the object."""
    function.__module__ = "__main__"  # it is the user's: what it raises is explained as such
    named = name or _name(given)
    path = hold(function, unnamed if named == "<lambda>" else named, fingerprint(given))
    ask_for(path)
    return Spec(path)


def _name(given: Any) -> str:
    if isinstance(given, functools.partial):
        return _name(given.func)
    if isinstance(given, types.MethodType):
        return str(given.__func__.__name__)
    return str(getattr(given, "__name__", type(given).__name__))
