"""Policies made of policies: warm-up before any, several one after another, one again and again."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from typing import Any

from lrensemble.policies.base import (
    Position,
    Rate,
    build,
    policy,
    require,
    require_rates,
    to_rising_steps,
    to_steps,
)
from lrensemble.policies.basic import half_cosine
from lrensemble.spec import Spec


@policy(policy=Spec("cosine", {"peak": 0.1}), steps=0.1)
def warmup(total: int, *, policy: Any, steps: Position = 0.05, start: float = 0.0) -> Rate:
    """A line from a fraction of a policy's first rate up to it, then the policy (Goyal et al. 2017, sec. 2.2).

    Args:
        total: steps of the run.
        policy: any policy, as spec or text; its clock starts when the warm-up ends, and it ends with the run.
        steps: length of the warm-up.
        start: fraction of the policy's first rate at step 0.
    """
    length = to_steps(steps, total, "steps", zero=True)
    require(length < total, f"the warm-up must end before the run of {total} steps", steps=steps)
    require(0 <= start <= 1, "give a fraction from 0 to 1", start=start)
    main = build(policy, total - length)
    first = main(0)

    def rate(step: int) -> float:
        return main(step - length) if step >= length else first * (start + (1 - start) * step / length)

    return rate


@policy(pieces=[Spec("one_cycle", {"peak": 0.1}), Spec("cosine", {"peak": 0.05})], boundaries=[0.5])
def join(total: int, *, pieces: Sequence[Any], boundaries: tuple[Position, ...]) -> Rate:
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

    def rate(step: int) -> float:
        index = bisect.bisect_right(starts, step) - 1
        return built[index](step - starts[index])

    return rate


@policy(policy=Spec("cosine", {"peak": 0.1}), times=4)
def repeat(total: int, *, policy: Any, times: int) -> Rate:
    """A policy again and again, its clock starting anew (of `cosine`: snapshot ensembles, Huang et al. 2017, eq. 2).

    Args:
        total: steps of the run.
        policy: any policy, as spec or text; each cycle has the run's steps divided by `times`, rounded up.
        times: how many cycles.
    """
    require(1 <= times <= total, f"a run of {total} steps has 1 to {total} cycles", times=times)
    length = math.ceil(total / times)
    cycle = build(policy, length)
    return lambda step: cycle(step % length)


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
