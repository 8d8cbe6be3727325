"""The registry of models, and how one is built: by name, or as any `package.module:function`."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from lrensemble.errors import LREnsembleError, SpecError, UnknownNameError
from lrensemble.registry import Registry, nearest
from lrensemble.spec import Spec, SpecLike, to_spec

MODELS: Registry[nn.Module] = Registry("model")
"""Functions of (shape of one input, number of classes); the module they return gives logits [batch, class]."""


@dataclass(frozen=True)
class _Family:
    form: str
    """For people: `wrn-DEPTH-WIDTH`."""
    summary: str
    make: Callable[..., Callable[..., nn.Module]]
    """What makes the function of one such name from the groups of the match."""


_FAMILIES: dict[str, _Family] = {}
"""By the pattern of their names."""


def family(
    pattern: str, form: str, summary: str
) -> Callable[[Callable[..., Callable[..., nn.Module]]], Callable[..., Callable[..., nn.Module]]]:
    """Register names that cannot be listed, such as `wrn-16-4`: the decorated function gets the groups of the match.

    Args:
        pattern: a regular expression for the whole name.
        form: the same for people, for messages: `wrn-DEPTH-WIDTH`.
        summary: one line that says what they are.

    Raises:
        ValueError: the pattern is taken. This is a programmer's mistake and not a user's.
    """

    def add(make: Callable[..., Callable[..., nn.Module]]) -> Callable[..., Callable[..., nn.Module]]:
        if pattern in _FAMILIES:
            raise ValueError(f"a family of models with names {pattern!r} is registered already")
        _FAMILIES[pattern] = _Family(form, summary, make)
        return make

    return add


def families() -> dict[str, str]:
    """The forms of names that cannot be listed, and what is behind them."""
    own = {
        "package.module:function": "Any function of (shape, classes) of yours that returns a module that gives logits."
    }
    return {each.form: each.summary for each in _FAMILIES.values()} | own


def require_images(model: str, shape: tuple[int, ...], smallest: int = 1) -> None:
    """Refuse inputs that are no images of (channel, height, width), or too small for the model.

    Raises:
        SpecError: the shape does not suit.
    """
    if len(shape) != 3 or min(shape[1:]) < smallest:
        size = f" of at least {smallest}x{smallest}" if smallest > 1 else ""
        raise SpecError(f"model {model!r} needs images{size}; an input here has shape {shape}; use mlp")


@torch.no_grad()
def require_logits(model: str, module: nn.Module, shape: tuple[int, ...], classes: int) -> nn.Module:
    """The module, after a trial on one input of zeros: for those whose needs only they themselves know.

    Raises:
        SpecError: it cannot take such an input, or does not give logits [batch, class].
    """
    training = {part: part.training for part in module.modules()}
    device = next((weights.device for weights in module.parameters()), None)
    try:
        logits = module.eval()(torch.zeros(1, *shape, device=device))
    except Exception as error:  # whatever its layers raise
        raise SpecError(f"model {model!r} does not fit inputs of shape {shape}: {_reason(error)}") from error
    finally:
        for part, was in training.items():
            part.training = was
    if not isinstance(logits, Tensor) or logits.shape != (1, classes):
        given = f"shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
        raise SpecError(
            f"model {model!r} gave {given} for one input of shape {shape} and {classes} classes; it must give "
            f"logits of shape (1, {classes})"
        )
    return module


def check(model: SpecLike) -> Spec:
    """The spec of a model, its name known and its arguments accepted.

    Raises:
        UnknownNameError: no such name.
        SpecError: an argument that is refused, or `package.module:function` that cannot be imported.
    """
    spec = to_spec(model)
    return _registry_of(spec).check(spec)


def build(model: SpecLike, shape: tuple[int, ...], classes: int, seed: int) -> nn.Module:
    """Build a model whose initial weights are a function of the seed; the global random generator is left alone.

    Args:
        model: a registered name with its arguments, or `package.module:function` with keyword arguments; the function
            takes `(shape, classes, *, …)`.
        shape: of one input, (channel, height, width) or (feature,).
        classes: how many logits a row has.
        seed: of the initialisation.

    Raises:
        SpecError: as `check`; or the shape does not suit the model, or the function returns no module that takes such
            inputs and gives logits.
    """
    spec = to_spec(model)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU as well
        return _registry_of(spec).call(spec, shape, classes)


def _registry_of(spec: Spec) -> Registry[nn.Module]:
    """`MODELS`, or a registry of the one function that the name stands for: both are checked alike."""
    if spec.name in MODELS:
        return MODELS
    function = _of_module(spec.name) if ":" in spec.name else _of_a_family(spec.name)
    registry: Registry[nn.Module] = Registry("model")
    registry.register(spec.name)(function)
    return registry


def _of_a_family(name: str) -> Callable[..., nn.Module]:
    for pattern, each in _FAMILIES.items():
        if match := re.fullmatch(pattern, name):
            return each.make(*match.groups())
    forms = [each.form for each in _FAMILIES.values()]
    raise UnknownNameError(f"no model named {name!r}{nearest(name, [*MODELS, *forms, 'package.module:function'])}")


def _of_module(name: str) -> Callable[..., nn.Module]:
    """The function that `package.module:function` names; what it builds is tried on one input."""
    module_name, _, function_name = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # a module of the user's: anything can go wrong in it
        raise SpecError(f"model {name!r}: cannot import {module_name!r}: {_reason(error)}") from error
    function: Callable[..., nn.Module] | None = getattr(module, function_name, None)
    if not callable(function):
        names = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        hint = nearest(function_name, names) if names else ""
        raise SpecError(f"model {name!r}: {module_name} has no function {function_name!r}{hint}")
    _require_signature(name, function)

    @functools.wraps(function)
    def build(shape: tuple[int, ...], classes: int, **own: object) -> nn.Module:
        try:
            network = function(shape, classes, **own)
        except LREnsembleError:
            raise
        except Exception as error:
            raise SpecError(
                f"model {name!r} cannot be built for inputs of shape {shape} and {classes} classes: {_reason(error)}"
            ) from error
        if not isinstance(network, nn.Module):
            raise SpecError(f"model {name!r} returned {type(network).__name__}; it must return a torch.nn.Module")
        return require_logits(name, network, shape, classes)

    return build


def _require_signature(name: str, function: Callable[..., nn.Module]) -> None:
    try:
        signature = inspect.signature(function)
        keywords = {key: None for key, each in signature.parameters.items() if each.kind is each.KEYWORD_ONLY}
        signature.bind((), 0, **keywords)
    except (TypeError, ValueError):
        raise SpecError(
            f"model {name!r}: the function must take (shape, classes) and then its own arguments by keyword: "
            "def function(shape, classes, *, width=16)"
        ) from None


def _reason(error: Exception) -> str:
    """In one line, with the place in the user's file where it went wrong."""
    places = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    where = f" ({Path(places[-1].filename).name}, line {places[-1].lineno})" if places else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{where}"
