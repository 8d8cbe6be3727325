"""The registry of models, and how one is built: by name, or as any `package.module:function`."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable

import torch
from torch import nn

from lrensemble.errors import SpecError
from lrensemble.registry import Registry
from lrensemble.spec import Spec, SpecLike, to_spec

MODELS: Registry[nn.Module] = Registry("model")
"""Functions of (shape of one input, number of classes); the module they return gives logits [batch, class]."""

_FAMILIES: dict[str, Callable[..., Callable[..., nn.Module]]] = {}
"""Patterns of names, each with what makes the function of one such name from the groups of the match."""


def family(
    pattern: str,
) -> Callable[[Callable[..., Callable[..., nn.Module]]], Callable[..., Callable[..., nn.Module]]]:
    """Register names that cannot be listed, such as `wrn-16-4`: the decorated function gets the groups of the match."""

    def add(make: Callable[..., Callable[..., nn.Module]]) -> Callable[..., Callable[..., nn.Module]]:
        _FAMILIES[pattern] = make
        return make

    return add


def require_images(model: str, shape: tuple[int, ...], smallest: int = 1) -> None:
    """Refuse inputs that are no images of (channel, height, width), or too small for the model.

    Raises:
        SpecError: the shape does not suit.
    """
    if len(shape) != 3 or min(shape[1:]) < smallest:
        size = f" of at least {smallest}x{smallest}" if smallest > 1 else ""
        raise SpecError(f"model {model!r} needs images{size}; an input here has shape {shape}; use mlp")


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
        SpecError: as `check`; or the shape does not suit the model, or what the function returns is no module.
    """
    spec = to_spec(model)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU as well
        module = _registry_of(spec).call(spec, shape, classes)
    if not isinstance(module, nn.Module):
        raise SpecError(f"model {spec.name!r} returned {type(module).__name__}; it must return a torch.nn.Module")
    return module


def _registry_of(spec: Spec) -> Registry[nn.Module]:
    """`MODELS`, or a registry of the one function that the name stands for: both are checked alike."""
    if spec.name in MODELS:
        return MODELS
    function = _imported(spec.name) if ":" in spec.name else _of_a_family(spec.name)
    if function is None:
        return MODELS
    registry: Registry[nn.Module] = Registry("model")
    registry.register(spec.name)(function)
    return registry


def _of_a_family(name: str) -> Callable[..., nn.Module] | None:
    for pattern, make in _FAMILIES.items():
        if match := re.fullmatch(pattern, name):
            return make(*match.groups())
    return None


def _imported(name: str) -> Callable[..., nn.Module]:
    module_name, _, function_name = name.partition(":")
    try:
        function: Callable[..., nn.Module] | None = getattr(importlib.import_module(module_name), function_name, None)
    except ImportError as error:
        raise SpecError(f"model {name!r}: cannot import {module_name!r}: {error}") from None
    if not callable(function):
        raise SpecError(f"model {name!r}: {module_name} has no function {function_name!r}")
    return function
