"""The training loop: what is trained does one step after another, and what happens between steps is the caller's."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from lrensemble.errors import TrainingError
from lrensemble.policies import Policy
from lrensemble.targets.heads import Head
from lrensemble.train.run.events import Step

LARGEST_CHUNK = 64
"""Steps that a GPU does at most before the host looks at them."""

Momenta = Sequence[float | None] | None
"""[member] momentum of a step, None for the optimizer's own; None where all have that."""


class Steps(NamedTuple):
    """A chunk of steps of every member."""

    steps: range
    rates: Sequence[Sequence[float]]
    """[step, member]"""
    losses: Sequence[Sequence[float]]
    """[step, member] as `Step.loss`."""
    norms: Sequence[Sequence[float]]
    """[step, member] as `Step.norm`."""


class DivergedError(TrainingError):
    """A rate, a loss or a prediction is not finite any more: the run has ended without a usable model."""

    def __init__(self, step: int, rate: float, loss: float) -> None:
        super().__init__(f"diverged at step {step}: rate {rate:g}, loss {loss:g}")
        self.step, self.rate, self.loss = step, rate, loss


class Trainee(Protocol):
    """What is trained: members along a leading axis, one alone or several in one program.

    It has no other state than that of `state`: batches and randomness are functions of the step, so that the trainee as
    it was after any step is all that it takes to go on from there.
    """

    head: Head
    """Loss and link of the members."""

    @property
    def adapter(self) -> Mapping[str, Any] | None:
        """What `peft` writes as `adapter_config.json`, where the weights are those of adapters."""

    def step(self, step: int, rates: Sequence[float], momenta: Momenta = None) -> tuple[Tensor, Tensor]:
        """Update every member once, by its own rate; losses before the update and norms of gradients, [member] each.

        A member whose rate or loss is not finite is of no use any more; the others are as if it were not there.

        Args:
            step: from 0.
            rates: [member]
            momenta: [member] where a policy gives any, None for one that has the optimizer's own.

        Raises:
            TrainingError: the outputs are not [batch, output], or the network cannot be compiled here.
        """

    def predict(self, split: str) -> Tensor:
        """What members say on a split (`Head.stored`), [member, sample, column] on the CPU, in evaluation mode.

        Raises:
            TrainingError: the outputs are not [batch, output].
        """

    def weights(self, member: int) -> Mapping[str, Tensor]:
        """Parameters and buffers of the network that is a member's result, by name; it predicts from their memory."""

    def state(self) -> dict[str, Tensor]:
        """Every tensor that it takes to go on, as `<kind>/<name>`: for a file."""

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` gave; nothing is touched unless all of it fits.

        Raises:
            ValueError, KeyError: it is the state of something else.
        """


def fit(trainee: Trainee, policy: Policy, *, first_step: int = 0, chunk_steps: int = 1) -> Generator[Step, None, None]:
    """Train one network in place, one step for each that is asked for.

    Args:
        trainee: of one member (`alone`).
        policy: the rate by step, for `policy.total` steps.
        first_step: how many steps are done already.
        chunk_steps: steps that are done before the first of them is yielded, so that none in between waits for a GPU;
            the network is then as it is after the last of them. Chunks end at multiples of it.

    Raises:
        DivergedError: the rate or the loss is not finite.
        TrainingError: as `Trainee.step`.
    """
    for chunk in fit_members(trainee, [policy], first_step=first_step, chunk_steps=chunk_steps):
        for step, (rate,), (loss,), (norm,) in zip(*chunk, strict=True):
            if not (math.isfinite(rate) and math.isfinite(loss)):
                raise DivergedError(step, rate, loss)
            yield Step(step, rate, loss, norm)


def fit_members(
    trainee: Trainee, policies: Sequence[Policy], *, first_step: int = 0, chunk_steps: int = 1
) -> Generator[Steps, None, None]:
    """Train all members in place, a policy [member] each, chunk by chunk as `fit`; one that diverges is trained on."""
    for steps in chunks(first_step, policies[0].total, chunk_steps):
        rates = [[policy(step) for policy in policies] for step in steps]
        updates = [trainee.step(step, own, momenta_of(policies, step)) for step, own in zip(steps, rates, strict=True)]
        yield Steps(steps, rates, *to_numbers(updates))


def momenta_of(policies: Sequence[Policy], step: int) -> Momenta:
    """What the policies of all members say of the momentum of a step."""
    if not any(policy.gives_momentum for policy in policies):
        return None
    return [policy.momentum(step) for policy in policies]


def chunks(first: int, total: int, *ends: int) -> Iterator[range]:
    """The steps from `first` on, cut at the multiples of each of the numbers."""
    while first < total:
        end = min(total, *(first - first % each + each for each in ends))
        yield range(first, end)
        first = end


def to_numbers(updates: Sequence[tuple[Tensor, Tensor]]) -> tuple[list[list[float]], list[list[float]]]:
    """Losses and norms of gradients, [step, member] each, of what steps gave; this waits for the device."""
    if len(updates) == 1:  # as on a CPU: to stack one tensor costs as much as to read it
        ((loss, norm),) = updates
        return [loss.tolist()], [norm.tolist()]
    losses, norms = (torch.stack(values).tolist() for values in zip(*updates, strict=True))
    return losses, norms


def largest_chunk(device: torch.device) -> int:
    """The number of steps between two looks at them, at most: one on a CPU, which waits for nothing, more on a GPU."""
    return 1 if device.type == "cpu" else LARGEST_CHUNK
