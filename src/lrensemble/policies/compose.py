"""Policies made of policies: warm-up before any, several one after another, one again and again."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from typing import Any

from lrensemble.policies.base import Course, Momentum, Policy, Rate, build, policy, unchanged
from lrensemble.policies.basic import half_cosine
from lrensemble.policies.checks import require, require_rates
from lrensemble.policies.positions import Position, to_rising_steps, to_steps
from lrensemble.spec import Spec


@policy(policy=Spec("cosine", {"peak": 0.1}), steps=0.1)
def warmup(total: int, *, policy: Any, steps: Position = 0.05, start: float | None = None) -> Course:
    """A line from a fraction of a policy's first rate up to it, then the policy (Goyal et al. 2017, sec. 2.2).

    Equal to torch's `SequentialLR` of `LinearLR(start_factor=start, total_iters=steps)` and the policy's own scheduler.

    Args:
        total: steps of the run.
        policy: any policy, as spec or text; its clock starts when the warm-up ends, and it ends with the run.
        steps: length of the warm-up.
        start: fraction of the policy's first rate at step 0; 1 / steps unless given, since a step at rate 0 learns
            nothing.
    """
    length = to_steps(steps, total, "steps", zero=True)
    require(length < total, f"the warm-up must end before the run of {total} steps", steps=steps)
    lowest = 1 / max(1, length) if start is None else start
    require(0 <= lowest <= 1, "give a fraction from 0 to 1", start=start)
    main = build(policy, total - length)
    first = main(0)

    def rate(step: int) -> float:
        return main(step - length) if step >= length else first * (lowest + (1 - lowest) * step / length)

    return Course(rate, momentum_of([main], lambda step: main.momentum(max(0, step - length))))


def momentum_of(pieces: Sequence[Policy], momentum: Momentum) -> Momentum:
    """The momentum of a policy that is made of others; none where none of them gives any."""
    return momentum if any(piece.gives_momentum for piece in pieces) else unchanged


@policy(pieces=[Spec("one_cycle", {"peak": 0.1}), Spec("cosine", {"peak": 0.05})], boundaries=[0.5])
def join(total: int, *, pieces: Sequence[Any], boundaries: tuple[Position, ...]) -> Course:
    """Several policies one after another; each one's clock starts again at its boundary (the paper's Composite).

    Args:
        total: steps of the run.
        pieces: policies, as specs or texts; each is built for the steps between its boundaries.
        boundaries: moments at which the next piece begins, rising; one fewer than pieces.
    """
    require(
        len(boundaries) == len(pieces) - 1, f"{len(pieces)} pieces need one boundary fewer", boundaries=list(boundaries)
    )
    starts = [0, *(to_rising_steps(tuple(boundaries), total, "boundaries") if boundaries else [])]
    require(
        starts[-1] < total,
        f"the last piece must begin before the run of {total} steps ends",
        boundaries=list(boundaries),
    )
    ends = [*starts[1:], total]
    built = [build(piece, max(1, end - start)) for piece, start, end in zip(pieces, starts, ends, strict=True)]

    def at(step: int) -> tuple[Policy, int]:
        index = bisect.bisect_right(starts, step) - 1
        return built[index], step - starts[index]

    def rate(step: int) -> float:
        piece, own_step = at(step)
        return piece(own_step)

    def momentum(step: int) -> float | None:
        piece, own_step = at(step)
        return piece.momentum(own_step)

    return Course(rate, momentum_of(built, momentum))


@policy(policy=Spec("cosine", {"peak": 0.1}), times=4)
def repeat(total: int, *, policy: Any, times: int) -> Course:
    """A policy again and again, its clock starting anew (of `cosine`: snapshot ensembles, Huang et al. 2017, eq. 2).

    Args:
        total: steps of the run.
        policy: any policy, as spec or text; each cycle has the run's steps divided by `times`, rounded up.
        times: how many cycles.
    """
    require(1 <= times <= total, f"a run of {total} steps has 1 to {total} cycles", times=times)
    length = math.ceil(total / times)
    cycle = build(policy, length)
    return Course(lambda step: cycle(step % length), momentum_of([cycle], lambda step: cycle.momentum(step % length)))


@policy(peak=0.1, warmup=0.1)
def warmup_cosine(total: int, *, peak: float, floor: float = 0.0, warmup: Position = 0.1, start: float = 0.01) -> Rate:
    """A line from `start` times `peak` up to it, then half a cosine wave down to `floor` (the paper's WarmupCosine).

    Equal to torch's `SequentialLR` of `LinearLR` and `CosineAnnealingLR`.

    Args:
        total: steps of the run.
        peak: highest rate, at the end of the warm-up.
        floor: rate at step `total`.
        warmup: its length.
        start: fraction of `peak` at step 0.
    """
    require_rates(peak=peak, floor=floor)
    require(0 <= start <= 1, "give a fraction from 0 to 1", start=start)
    length = to_steps(warmup, total, "warmup", zero=True)
    require(length < total, f"the warm-up must end before the run of {total} steps", warmup=warmup)

    def rate(step: int) -> float:
        if step < length:
            return peak * (start + (1 - start) * step / length)
        return half_cosine(peak, floor, min(1.0, (step - length) / (total - length)))

    return rate
