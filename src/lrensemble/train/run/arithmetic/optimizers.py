"""Optimizers by name: `sgd`, `adam`, `adamw`, or any class of `torch.optim`, with what a recipe says of them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import nn

from lrensemble.config import TrainSettings
from lrensemble.errors import TrainingError, UnknownNameError
from lrensemble.registry import nearest
from lrensemble.train.run.arithmetic.eager import eager

_ALIASES = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}
_DEFAULT_MOMENTUM = 0.9


def build_optimizer(
    settings: TrainSettings,
    parameters: Iterable[nn.Parameter],
    factors: Sequence[float] | None = None,
) -> torch.optim.Optimizer:
    """The optimizer of a recipe; its rate is set before every step: the policy's, times a group's `lr_scale`.

    `weight_decay` is always handed on to a class that takes it, so that 0 is 0 for AdamW as well.

    Args:
        settings: `optimizer` with its arguments, `momentum`, `nesterov`, `weight_decay` and `decay_norms`.
        parameters: what is to be optimized.
        factors: factor on the rate of each parameter; 1 unless given.

    Raises:
        UnknownNameError: `torch.optim` has no such class.
        TrainingError: an argument that the class does not take, or a value that it refuses.
    """
    kind = _class_of(settings.optimizer.name)
    spec, trained = settings.optimizer, list(parameters)
    accepted = list(inspect.signature(kind).parameters)[1:]  # the first are the parameters to optimize
    arguments = _shared_arguments(settings, accepted)
    for key, value in spec.arguments.items():
        if key == "lr":
            raise TrainingError(f"optimizer {spec.name!r}: lr is set by the policy; give it there")
        if key not in accepted:
            raise TrainingError(f"optimizer {spec.name!r} has no argument {key!r}{nearest(key, accepted)}")
        if arguments.get(key):
            raise TrainingError(f"{key} is given twice: in train.{key} and in train.optimizer = {spec}; keep one")
        arguments[key] = value
    # One kernel updates all parameters, unless the recipe says how, or the device has no such kernel for all classes.
    says_how = spec.arguments.keys() & {"fused", "foreach", "capturable", "differentiable"}
    on_mps = any(parameter.device.type == "mps" for parameter in trained)
    one_kernel = {"fused": True} if "fused" in accepted and not says_how and not on_mps else {}
    try:
        groups = _groups(trained, factors, split=bool(arguments.get("weight_decay")) and not settings.decay_norms)
        return eager(kind)(groups, lr=0.0, **one_kernel, **arguments)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TrainingError(f"optimizer {spec} refuses {arguments}: {error}") from None


def check_optimizer(settings: TrainSettings) -> torch.optim.Optimizer:
    """The optimizer of a recipe with all its settings, before any training: it has one parameter and takes no step.

    Raises:
        UnknownNameError, TrainingError: as `build_optimizer`.
    """
    return build_optimizer(settings, [nn.Parameter(torch.zeros(1))])


def update_per_gradient(settings: TrainSettings) -> float | None:
    """Ratio of the sum of a run's updates to the sum of its gradients times rates: (1 − dampening) / (1 − momentum) for
    SGD, None for other optimizers.

    Raises:
        UnknownNameError, TrainingError: as `build_optimizer`.
    """
    optimizer = check_optimizer(settings)
    if not isinstance(optimizer, torch.optim.SGD):
        return None
    momentum, dampening = optimizer.defaults["momentum"], optimizer.defaults["dampening"]
    return float((1 - dampening) / (1 - momentum)) if momentum else 1.0


def _groups(
    parameters: Sequence[nn.Parameter], factors: Sequence[float] | None, *, split: bool
) -> list[dict[str, Any]]:
    """The parameters that decay and, with `split`, apart those of norms and biases; by the factor on their rate."""
    groups: dict[tuple[bool, float], dict[str, Any]] = {}
    for parameter, factor in zip(parameters, factors or [1.0] * len(parameters), strict=True):
        decays = parameter.ndim > 1 or not split
        own = ({} if decays else {"weight_decay": 0.0}) | ({} if factor == 1 else {"lr_scale": factor})
        groups.setdefault((not decays, factor), {"params": [], **own})["params"].append(parameter)
    return [groups[key] for key in sorted(groups, key=lambda key: key[0])]


def _class_of(name: str) -> type[torch.optim.Optimizer]:
    kinds: dict[str, type[torch.optim.Optimizer]] = {
        key: value
        for key, value in vars(torch.optim).items()
        if inspect.isclass(value) and issubclass(value, torch.optim.Optimizer) and value is not torch.optim.Optimizer
    }
    kind = kinds.get(_ALIASES.get(name, name))
    if kind is None:
        raise UnknownNameError(f"no optimizer named {name!r}{nearest(name, [*_ALIASES, *kinds])}")
    if kind is torch.optim.LBFGS:  # a step of it has no one rate and loss
        raise TrainingError(f"optimizer {name!r} evaluates the loss several times a step; choose one that does not")
    return kind


def _shared_arguments(settings: TrainSettings, accepted: list[str]) -> dict[str, object]:
    """What `[train]` says of momentum, nesterov and weight decay, for a class that accepts these arguments."""
    name = settings.optimizer.name
    wanted: dict[str, object] = {}
    if settings.momentum is not None:
        wanted["momentum"] = settings.momentum
    elif _ALIASES.get(name, name) == "SGD" and "momentum" not in settings.optimizer.arguments:
        wanted["momentum"] = _DEFAULT_MOMENTUM
    if settings.nesterov:
        wanted["nesterov"] = True
    if settings.weight_decay or "weight_decay" in accepted:
        wanted["weight_decay"] = settings.weight_decay
    for key, value in wanted.items():
        if key not in accepted:
            raise TrainingError(f"optimizer {name!r} takes no {key}, but train.{key} = {value}; remove it")
    return wanted
