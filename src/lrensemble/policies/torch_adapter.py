"""Policies as torch schedulers, and torch schedulers as policies. The only file of `policies` that imports torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from lrensemble.errors import SpecError
from lrensemble.policies.base import Policy
from lrensemble.policies.basic import table


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
        """Go to a step, and set its rates at once."""
        self.last_epoch = state_dict["last_epoch"]
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
    make_scheduler: Callable[[torch.optim.Optimizer], LRScheduler], total: int, *, peak: float = 0.1
) -> Policy:
    """The curve of a torch scheduler as a policy (`table`, whose spec holds every rate), read off step by step.

    The momentum is read as well, where the scheduler moves it.

    Args:
        make_scheduler: from an optimizer to its scheduler: `lambda optimizer: StepLR(optimizer, 30)`.
        total: steps of the run.
        peak: the optimizer's rate, from which most schedulers start.

    Raises:
        SpecError: the scheduler waits for a metric (`ReduceLROnPlateau`), and so has no curve before training; or its
            curve is none of a policy (a rate that is negative or not finite, no steps).
    """
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak, momentum=_MOMENTUM)
    scheduler = make_scheduler(optimizer)
    if isinstance(scheduler, ReduceLROnPlateau):
        raise SpecError("ReduceLROnPlateau follows a metric and has no curve of its own; give another scheduler")
    rates, momenta = list[float](), list[float]()
    for step in range(total):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        momenta.append(float(optimizer.param_groups[0]["momentum"]))
        optimizer.step()
        if step < total - 1:  # a scheduler of `total` steps refuses one more
            scheduler.step()
    if set(momenta) == {_MOMENTUM}:
        return table(total, rates=tuple(rates))
    return table(total, rates=tuple(rates), momenta=tuple(momenta))
