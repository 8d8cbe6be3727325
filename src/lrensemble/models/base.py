"""The registry of models, and how one is built: by name, or as any `package.module:function`."""

from __future__ import annotations

import importlib

import torch
from torch import nn

from lrensemble.errors import SpecError
from lrensemble.registry import Registry
from lrensemble.spec import Spec, SpecLike, to_spec

MODELS: Registry[nn.Module] = Registry("model")
"""Functions of (shape of one input, number of classes); the module they return gives logits [batch, class]."""


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
    """`MODELS`, or a registry of the one function that `package.module:function` names: both are checked alike."""
    if ":" not in spec.name:
        return MODELS
    module_name, _, function_name = spec.name.partition(":")
    try:
        function = getattr(importlib.import_module(module_name), function_name, None)
    except ImportError as error:
        raise SpecError(f"model {spec.name!r}: cannot import {module_name!r}: {error}") from None
    if not callable(function):
        raise SpecError(f"model {spec.name!r}: {module_name} has no function {function_name!r}")
    registry: Registry[nn.Module] = Registry("model")
    registry.register(spec.name)(function)
    return registry
