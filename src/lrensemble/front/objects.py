"""Networks and rates that are given as they are: a class, a function or a module, a function of the step."""

from __future__ import annotations

import copy
import functools
import inspect
import numbers
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from lrensemble.errors import SpecError
from lrensemble.front.fingerprint import fingerprint
from lrensemble.here import hold
from lrensemble.policies import Policy
from lrensemble.registry import ask_for, reason_of
from lrensemble.spec import Spec

PROBED = (0, 1000)
"""Steps, or numbers of steps, that a function is tried with to see what it is a function of."""


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
        return given if is_importable(given) else _held(_passing(given), None, given)
    if not needed:
        return _held(lambda shape, outputs: given(), None, given)  # noqa: ARG005
    raise SpecError(
        f"model {_name(given)} needs {needed[0]}: it must take (shape, outputs), the shape of one input and the number "
        f"of outputs, or nothing; give lambda shape, outputs: {_name(given)}({needed[0]}=…)"
    )


def _passing(given: Callable[..., Any]) -> Callable[..., Any]:
    """A function that calls a class or a function, and takes the same arguments."""

    def build(shape: Any, outputs: Any, **own: Any) -> Any:
        return given(shape, outputs, **own)

    build.__signature__ = inspect.signature(given)
    return build


def as_policies(given: Any) -> Any:
    """Policies in a form that an experiment holds; a single one stands for a list of it."""
    return [as_policy(each) for each in given] if isinstance(given, list | tuple) else [as_policy(given)]


def as_policy(given: Any) -> Any:
    """A policy in a form that an experiment holds; names and tables stay as they are.

    A function is one of the step, of the step and the number of steps, or, as registered ones are, of the number of
    steps alone that returns a function of the step.

    Raises:
        SpecError: no function of these.
    """
    if isinstance(given, str | Spec | Mapping):
        return given
    if isinstance(given, Policy):
        return given.spec
    if not callable(given):
        raise SpecError(f"a policy is a name or a function of the step; given: {type(given).__name__}")
    needed, first = _needed(given)
    if first == "total" and is_importable(given):
        return given
    if len(needed) == 2:
        return _held(lambda total: lambda step: given(step, total), None, given, "rate")
    if isinstance(_tried(given), numbers.Real):
        return _held(lambda total: given, None, given, "rate")  # noqa: ARG005
    return given if is_importable(given) else _held(lambda total: given(total), None, given, "rate")


def _tried(given: Callable[..., Any]) -> object:
    """What a function of one number returns: a rate, or a function of the step.

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
