"""Optimizers by name: `sgd`, `adam`, `adamw`, or any class of `torch.optim`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import nn

from lrensemble.config import TrainSettings
from lrensemble.errors import TrainingError, UnknownNameError
from lrensemble.policies import Policy
from lrensemble.policies.torch_adapter import momentum_in
from lrensemble.registry import nearest
from lrensemble.spec import Spec

_ALIASES = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}
_CLOSURE = ("LBFGS",)
"""Optimizers that evaluate the loss several times a step, for which a step has no one rate and loss."""
_DEFAULT_MOMENTUM = 0.9


def build_optimizer(
    settings: TrainSettings, parameters: Iterable[nn.Parameter], factors: Sequence[float] | None = None
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
    return _built(_class_of(settings.optimizer.name), settings, list(parameters), factors)


def check_optimizer(settings: TrainSettings) -> torch.optim.Optimizer:
    """The optimizer of a recipe with all its settings, before any training: it has one parameter and takes no step.

    Raises:
        UnknownNameError, TrainingError: as `build_optimizer`.
    """
    kind = _class_of(settings.optimizer.name)
    # To add a group of parameters, torch imports its compiler: a second that only training needs.
    unused = type(kind.__name__, (kind,), {"add_param_group": _add_group})
    optimizer = _built(unused, settings, [nn.Parameter(torch.zeros(1))])
    optimizer.__class__ = kind
    return optimizer


def _add_group(optimizer: torch.optim.Optimizer, group: dict[str, Any]) -> None:
    optimizer.param_groups.append({**optimizer.defaults, **group})


def check_momentum(settings: TrainSettings, policy: Policy) -> None:
    """Refuse a policy that gives a momentum to an optimizer that takes none.

    Raises:
        TrainingError: with what to do.
    """
    if policy.gives_momentum and momentum_in(check_optimizer(settings).defaults) is None:
        raise TrainingError(
            f"optimizer {settings.optimizer.name!r} takes no momentum, but policy {policy.spec} gives one; "
            "leave cycle_momentum out, or choose sgd, adam or adamw"
        )


def _built(
    kind: type[torch.optim.Optimizer],
    settings: TrainSettings,
    trained: Sequence[nn.Parameter],
    factors: Sequence[float] | None = None,
) -> torch.optim.Optimizer:
    spec = settings.optimizer
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
    construct: Callable[..., torch.optim.Optimizer] = kind
    try:
        return construct(
            _groups(trained, settings, factors), lr=0.0, **_one_kernel(accepted, spec, trained), **arguments
        )
    except (TypeError, ValueError, RuntimeError) as error:
        raise TrainingError(f"optimizer {spec} refuses {arguments}: {error}") from None


def _groups(
    parameters: Sequence[nn.Parameter], settings: TrainSettings, factors: Sequence[float] | None
) -> list[dict[str, Any]]:
    """The parameters that decay and, where those of norms and biases shall not, these; by the factor on their rate."""
    split = settings.weight_decay and not settings.decay_norms
    groups: dict[tuple[bool, float], dict[str, Any]] = {}
    for parameter, factor in zip(parameters, factors or [1.0] * len(parameters), strict=True):
        decays = parameter.ndim > 1 or not split
        own = ({} if decays else {"weight_decay": 0.0}) | ({} if factor == 1 else {"lr_scale": factor})
        groups.setdefault((not decays, factor), {"params": [], **own})["params"].append(parameter)
    return [groups[key] for key in sorted(groups, key=lambda key: key[0])]


def _one_kernel(accepted: Sequence[str], spec: Spec, parameters: Sequence[nn.Parameter]) -> dict[str, bool]:
    """`fused=True` for a class that can update all parameters in one kernel, unless the recipe says how, or the device
    has no such kernel for all classes.
    """
    own = any(key in spec.arguments for key in ("fused", "foreach", "capturable", "differentiable"))
    own = own or any(parameter.device.type == "mps" for parameter in parameters)
    return {"fused": True} if "fused" in accepted and not own else {}


def _class_of(name: str) -> type[torch.optim.Optimizer]:
    known = [
        key
        for key, value in vars(torch.optim).items()
        if inspect.isclass(value) and issubclass(value, torch.optim.Optimizer) and value is not torch.optim.Optimizer
    ]
    class_name = _ALIASES.get(name, name)
    if class_name not in known:
        raise UnknownNameError(f"no optimizer named {name!r}{nearest(name, [*_ALIASES, *known])}")
    if class_name in _CLOSURE:
        raise TrainingError(f"optimizer {name!r} evaluates the loss several times a step; choose one that does not")
    kind: type[torch.optim.Optimizer] = getattr(torch.optim, class_name)
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
