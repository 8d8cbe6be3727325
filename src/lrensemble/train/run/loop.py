"""What the loop of a life (`life.live`) goes through: a trainee, chunks of its steps, their momenta and losses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from lrensemble.policies import Policy
from lrensemble.targets.heads import Head

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
