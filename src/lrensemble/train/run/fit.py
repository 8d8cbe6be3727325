"""The training loop alone, without a pool: one step after another, and what happens between steps is the caller's."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence

from lrensemble.errors import TrainingError
from lrensemble.policies import Policy
from lrensemble.train.run.loop import Steps, Trainee, chunks, momenta_of, to_numbers
from lrensemble.train.run.progress.events import Step


class DivergedError(TrainingError):
    """A rate, a loss or a prediction is not finite any more: the run has ended without a usable model."""

    def __init__(self, step: int, rate: float, loss: float) -> None:
        super().__init__(f"diverged at step {step}: rate {rate:g}, loss {loss:g}")
        self.step, self.rate, self.loss = step, rate, loss


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
