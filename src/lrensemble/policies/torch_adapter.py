"""Policies as torch schedulers, and torch schedulers as policies. The only file of `policies` that imports torch."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from lrensemble.errors import SpecError
from lrensemble.policies.base import Policy
from lrensemble.policies.basic import table
from lrensemble.policies.checks import require, require_rates
from lrensemble.registry import reason_of


class PolicyLR(LRScheduler):
    """A torch scheduler that follows a policy, for any optimizer and its parameter groups.

    Call `step()` after each `optimizer.step()`. The optimizer's own rates are not used: each group gets the policy's
    rate, times the group's `lr_scale` where it has one, and its momentum where it gives any. Its state is the number of
    the step alone, and so a new optimizer, or a checkpoint of one with other rates, resumes as well.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, policy: Policy | Sequence[Policy], last_epoch: int = -1
    ) -> None:
        """Follow one policy, or one for each parameter group.

        Args:
            optimizer: whose rates are set, from now on.
            policy: one, or one for each parameter group in their order.
            last_epoch: the step to resume after; -1 to begin.

        Raises:
            SpecError: as many policies as there are groups were not given, or one gives a momentum to an optimizer
                that takes none.
        """
        groups = len(optimizer.param_groups)
        self._policies = [policy] * groups if isinstance(policy, Policy) else list(policy)
        if len(self._policies) != groups:
            raise SpecError(
                f"{len(self._policies)} policies do not fit {groups} parameter groups; give one, or {groups}"
            )
        for policy_of_group, group in zip(self._policies, optimizer.param_groups, strict=True):
            if policy_of_group.gives_momentum and momentum_in(group) is None:
                raise SpecError(f"{policy_of_group.spec} gives a momentum, and {type(optimizer).__name__} takes none")
            if last_epoch != -1:  # torch asks for it to resume, and it is not used
                group.setdefault("initial_lr", group["lr"])
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float | torch.Tensor]:
        """The rate of each parameter group at this step; its momentum is set here, as torch's own schedulers do."""
        pairs = list(zip(self._policies, self.optimizer.param_groups, strict=True))
        for policy, group in pairs:
            set_momentum(group, policy.momentum(self.last_epoch))
        return [policy(self.last_epoch) * group.get("lr_scale", 1.0) for policy, group in pairs]

    def state_dict(self) -> dict[str, Any]:
        """The step; the policies are not part of it."""
        return {"last_epoch": self.last_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go to a step, and set its rates at once; before the first there are none to set."""
        self.last_epoch = state_dict["last_epoch"]
        if self.last_epoch < 0:  # one of torch's sequence whose turn has not come
            return
        rates = self.get_lr()
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate)  # in place: a captured or compiled optimizer keeps hold of the tensor
            else:
                group["lr"] = rate
        self._last_lr = rates


_MOMENTUM = 0.9
"""Momentum of the optimizer that schedulers are read off from."""

_OWN = "own_momentum"
"""Key of a parameter group's own momentum, where a policy has set another."""


def momentum_in(group: Mapping[str, Any]) -> float | None:
    """The momentum of a parameter group, of Adam and its like the first of the betas; None where it has none."""
    betas = group.get("betas")
    return group.get("momentum") if betas is None else betas[0]


def set_momentum(group: dict[str, Any], momentum: float | None) -> None:
    """Set the momentum of a parameter group that has one; None brings its own back."""
    if momentum is None and _OWN not in group:
        return
    own = group.setdefault(_OWN, momentum_in(group))
    value = own if momentum is None else momentum
    if "betas" in group:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


def policy_of(
    scheduler: Any, total: int, *, peak: float = 0.1, epoch_steps: int | None = None, group: int = 0
) -> Policy:
    """The curve of a scheduler as a policy (`table`, whose spec holds every rate), read off step by step.

    The momentum is read as well, where the scheduler moves it.

    Args:
        scheduler: a function from an optimizer to its scheduler: `lambda optimizer: StepLR(optimizer, 30)`; or a
            scheduler as it stands, which is left as it is. It is of torch, timm, transformers, or anything else that
            sets the rates of an optimizer when its `step` is called (as timm has it, `step_update` and `step`).
        total: steps of the run.
        peak: rate of the optimizer that a function is given, from which most schedulers start.
        epoch_steps: steps of an epoch, for a scheduler whose `step` is called at the end of every epoch; after every
            step unless given.
        group: parameter group whose rate is read.

    Raises:
        SpecError: no scheduler; one that waits for a metric (`ReduceLROnPlateau`), and so has no curve before training;
            one that has no rate for all steps; or its curve is none of a policy (a rate that is negative or not finite,
            no steps).
    """
    own = detached(scheduler) if is_scheduler(scheduler) else _made(scheduler, peak)
    name, parts = type(own).__name__, _parts(own)
    if any(isinstance(part, ReduceLROnPlateau) for part in parts):
        raise SpecError(f"{name} follows a metric and has no curve of its own; give another scheduler")
    if hasattr(own, "step_update") and epoch_steps is None and getattr(own, "t_in_epochs", True):
        raise SpecError(f"{name} counts epochs; give epoch_steps, the steps of one")
    groups = own.optimizer.param_groups
    require(0 <= group < len(groups), f"there are {len(groups)} parameter groups, from 0", group=group)
    require(epoch_steps is None or epoch_steps >= 1, "at least 1", epoch_steps=epoch_steps)
    scales = hasattr(own, "step_update") or any(isinstance(part, PolicyLR) for part in parts)
    before = momentum_in(groups[group]) if is_scheduler(scheduler) else _MOMENTUM  # making one may set it already
    rates, momenta = list[float](), list[float | None]()
    try:
        for step in range(total):
            if step:  # a scheduler of `total` steps refuses one more
                _advance(own, step, epoch_steps)
            rates.append(float(groups[group]["lr"]) / (groups[group].get("lr_scale", 1.0) if scales else 1.0))
            momenta.append(momentum_in(groups[group]))
    except Exception as error:  # whatever a scheduler raises
        raise SpecError(f"{name} has no rate for step {len(rates)} of {total}: {reason_of(error)}") from error
    if set(momenta) <= {before}:
        return table(total, rates=tuple(rates))
    return table(total, rates=tuple(rates), momenta=tuple(float(momentum or 0) for momentum in momenta))


def is_scheduler(given: object) -> bool:
    """Whether something is a scheduler itself, and no function or class that makes one."""
    return not isinstance(given, type) and callable(getattr(given, "step", None))


def _parts(scheduler: Any) -> list[Any]:
    """A scheduler and what it holds, one by one or in lists: those of a sequence."""
    held = list(vars(scheduler).values())
    return [scheduler, *held, *(each for value in held if isinstance(value, list) for each in value)]


def detached(scheduler: Any) -> Any:
    """Copy of a scheduler, with an optimizer of its own that has the same parameter groups but no parameters of use.

    Raises:
        SpecError: it has no optimizer, or cannot be copied.
    """
    inner = scheduler if hasattr(scheduler, "optimizer") else getattr(scheduler, "scheduler", scheduler)
    optimizer = getattr(inner, "optimizer", None)
    groups, name = getattr(optimizer, "param_groups", None), type(inner).__name__
    hint = "give a function from an optimizer to its scheduler"
    if not groups:
        raise SpecError(f"{name} has no optimizer whose rates it sets; {hint}")
    try:
        return copy.deepcopy(inner, {id(optimizer): _same_groups(groups)})
    except Exception as error:  # whatever a scheduler holds
        raise SpecError(f"{name} cannot be copied: {reason_of(error)}; {hint}") from error


def _same_groups(groups: Sequence[Mapping[str, Any]]) -> torch.optim.Optimizer:
    """An optimizer that has the same groups but for their parameters."""
    copies = list[dict[str, Any]]()
    for group in groups:
        own = {key: copy.deepcopy(value) for key, value in group.items() if key != "params"}
        own |= {key: float(value) for key, value in own.items() if isinstance(value, torch.Tensor)}
        copies.append({**own, "params": [torch.zeros(1, requires_grad=True)]})
    return torch.optim.SGD(copies, lr=0.0)


def _made(make_scheduler: Any, peak: float) -> Any:
    """Scheduler that a function makes for an optimizer.

    Raises:
        SpecError: no function, or it makes none.
    """
    require_rates(peak=peak)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak, momentum=_MOMENTUM)
    hint = "give a scheduler, or a function such as lambda optimizer: StepLR(optimizer, 30)"
    try:
        made = make_scheduler(optimizer)
    except SpecError:
        raise
    except Exception as error:  # of the user's
        raise SpecError(f"no scheduler can be made for an optimizer: {reason_of(error)}; {hint}") from error
    if not is_scheduler(made):
        raise SpecError(f"what was made for an optimizer is {type(made).__name__}, without a step; {hint}")
    if getattr(made, "optimizer", optimizer) is not optimizer:
        return detached(made)
    if not hasattr(made, "optimizer"):
        made.optimizer = optimizer
    return made


def _advance(scheduler: Any, done: int, epoch_steps: int | None) -> None:
    """Call a scheduler as a loop does that has done so many steps."""
    with warnings.catch_warnings():  # torch's, that no optimizer has made a step
        warnings.simplefilter("ignore")
        if hasattr(scheduler, "step_update"):
            scheduler.step_update(done)
            if epoch_steps is not None and done % epoch_steps == 0:
                scheduler.step(done // epoch_steps)
        elif done % (epoch_steps or 1) == 0:
            scheduler.step()
