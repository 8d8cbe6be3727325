"""Policies that go up and down: one cycle, warm restarts, and waves that repeat."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

from lrensemble.policies.base import Course, Rate, policy
from lrensemble.policies.basic import half_cosine
from lrensemble.policies.checks import require, require_positive, require_rates
from lrensemble.policies.positions import Position, to_steps

Damping = Literal["none", "halving", "exponential"]
Start = Literal["floor", "peak"]
Shape = Literal["linear", "sine", "cosine"]

SHAPES: dict[str, Callable[[float], float]] = {
    "linear": lambda height: height,
    "sine": lambda height: math.sin(0.5 * math.pi * height),
    "cosine": lambda height: 0.5 * (1 - math.cos(math.pi * height)),
}
"""Function of a height in 0 … 1 that rises in a line to one that rises along a curve."""


@policy(peak=0.1)
def one_cycle(
    total: int,
    *,
    peak: float,
    warmup: float = 0.3,
    anneal: Literal["cos", "linear"] = "cos",
    start_divisor: float = 25.0,
    end_divisor: float = 1e4,
    three_phase: bool = False,
    cycle_momentum: bool = False,
    base_momentum: float = 0.85,
    max_momentum: float = 0.95,
) -> Course:
    """Up to `peak` and down to almost nothing, once (Smith & Topin 2018; torch's `OneCycleLR`, with its rounding).

    torch cycles the momentum as well unless told otherwise; here `cycle_momentum=true` asks for it, and for all that
    torch's defaults do.

    Args:
        total: steps of the run.
        peak: highest rate.
        warmup: fraction of the run spent rising, 0 to 1; at most 0.5 with three phases.
        anneal: along half a cosine wave, or in a line.
        start_divisor: the start is `peak` divided by this, 1 or more.
        end_divisor: the end is the start divided by this.
        three_phase: fall back to the start as long as it rose, then on to the end.
        cycle_momentum: move the momentum against the rate; of Adam and its like that is the first of the betas.
        base_momentum: momentum at the peak of the rate.
        max_momentum: momentum at the start and at the end.
    """
    require_rates(peak=peak)
    require_positive(start_divisor=start_divisor, end_divisor=end_divisor)
    require(start_divisor >= 1, "the start may not lie above the peak: give 1 or more", start_divisor=start_divisor)
    lowest = 1 / start_divisor
    require(
        end_divisor >= lowest, f"the end may not lie above the peak: give {lowest} or more", end_divisor=end_divisor
    )
    longest = 0.5 if three_phase else 1.0
    require(0 <= warmup <= longest, f"give a fraction of the run from 0 to {longest}", warmup=warmup)
    bounds = {"base_momentum": base_momentum, "max_momentum": max_momentum}
    require(0 <= base_momentum <= max_momentum < 1, "give 0 <= base_momentum <= max_momentum < 1", **bounds)
    start = peak / start_divisor
    end = start / end_divisor
    rise = warmup * total - 1
    ends = [rise, 2 * rise, total - 1] if three_phase else [rise, total - 1]
    interpolate = half_cosine if anneal == "cos" else _line

    def along(heights: Sequence[float]) -> Rate:
        return _phases(total, ends, heights, interpolate)

    back = [start] if three_phase else []
    rate = along([start, peak, *back, end])
    if not cycle_momentum:
        return Course(rate)
    flat = [max_momentum] if three_phase else []
    return Course(rate, along([max_momentum, base_momentum, *flat, max_momentum]))


def _phases(
    total: int, ends: Sequence[float], heights: Sequence[float], interpolate: Callable[[float, float, float], float]
) -> Rate:
    """A curve through `heights`, the first at step 0 and each other at one of the `ends`."""

    def value(step: int) -> float:
        begun, low = 0.0, heights[0]
        at = min(step, total - 1)
        for last, high in zip(ends, heights[1:], strict=True):
            if at <= last or last == ends[-1]:
                # A phase of no length, on a run of a few steps, is over at once.
                progress = (at - begun) / (last - begun) if last > begun else 1.0
                return interpolate(low, high, progress)
            begun, low = last, high
        return heights[-1]

    return value


def _line(low: float, high: float, progress: float) -> float:
    return low + (high - low) * progress


@policy(peak=0.1, period=0.25)
def cosine_restarts(total: int, *, peak: float, floor: float = 0.0, period: Position = 0.25, growth: int = 1) -> Rate:
    """Cosine from `peak` to `floor`, again and again (SGDR, Loshchilov & Hutter 2017; `CosineAnnealingWarmRestarts`).

    rate(t) = floor + (peak - floor) (1 + cos(π s / T_i)) / 2, with s the steps since the last restart and T_i those of
    the period.

    Args:
        total: steps of the run.
        peak: rate at each restart.
        floor: what the rate falls towards and never reaches: the last step of a period is one short of it, as torch's.
        period: length of the first period.
        growth: each period is this many times as long as the one before.
    """
    require_rates(peak=peak, floor=floor)
    require(growth >= 1, "give an integer from 1", growth=growth)
    first = to_steps(period, total, "period")

    def rate(step: int) -> float:
        begun, length = (step // first * first, first) if growth == 1 else (0, first)
        while step >= begun + length:
            begun, length = begun + length, length * growth
        return half_cosine(peak, floor, (step - begun) / length)

    return rate


@policy(peak=0.1, floor=0.01, half_period=0.125, damping="halving")
def triangular(
    total: int,
    *,
    peak: float,
    floor: float = 0.0,
    half_period: Position = 0.125,
    start: Start = "floor",
    damping: Damping = "none",
    gamma: float | None = None,
) -> Rate:
    """Up and down in straight lines (CLR, Smith 2017: triangular, triangular2, exp_range; LRBench's TRI and DTRI).

    Args:
        total: steps of the run.
        peak: highest rate.
        floor: lowest rate.
        half_period: from lowest to highest.
        start: at which of the two the run begins.
        damping: each cycle half as high as the one before, or all of it times `gamma` to the power of the step.
        gamma: for exponential damping.
    """
    return wave(total, peak, floor, half_period, start, damping, gamma, "linear")


@policy(peak=0.1, floor=0.01, half_period=0.125)
def sine(
    total: int,
    *,
    peak: float,
    floor: float = 0.0,
    half_period: Position = 0.125,
    start: Start = "floor",
    damping: Damping = "none",
    gamma: float | None = None,
) -> Rate:
    """Up and down along |sin|: sharp at the bottom, round at the top (LRBench's SIN and DSIN). As `triangular`."""
    return wave(total, peak, floor, half_period, start, damping, gamma, "sine")


@policy(peak=0.1, floor=0.01, half_period=0.125, start="peak")
def cosine_wave(
    total: int,
    *,
    peak: float,
    floor: float = 0.0,
    half_period: Position = 0.125,
    start: Start = "peak",
    damping: Damping = "none",
    gamma: float | None = None,
) -> Rate:
    """Up and down along a cosine: round at both ends (LRBench's COS and UPCOS). As `triangular`."""
    return wave(total, peak, floor, half_period, start, damping, gamma, "cosine")


@policy(peak=0.1, floor=0.01, period=0.25, shape="sine", damping="exponential", gamma=0.99)
def sawtooth(
    total: int,
    *,
    peak: float,
    floor: float = 0.0,
    period: Position = 0.25,
    shape: Shape = "linear",
    damping: Damping = "none",
    gamma: float | None = None,
) -> Rate:
    """Down from `peak` to `floor`, then back at once: restarts of any shape. Every period begins at `peak`.

    Args:
        total: steps of the run.
        peak: rate at each restart.
        floor: what the rate falls towards; the last step of a period is one short of it.
        period: from restart to restart.
        shape: of the way down.
        damping: as `triangular`.
        gamma: for exponential damping.
    """
    length = to_steps(period, total, "period")
    damp = damping_factor(damping, gamma)
    require_rates(peak=peak, floor=floor)
    curve = SHAPES[shape]

    def rate(step: int) -> float:
        cycle, position = divmod(step, length)
        return floor + (peak - floor) * curve(1 - position / length) * damp(step, cycle)

    return rate


def wave(
    total: int,
    peak: float,
    floor: float,
    half_period: Position,
    start: Start,
    damping: Damping,
    gamma: float | None,
    shape: Shape,
) -> Rate:
    """A triangular wave, bent to a shape; one that starts at the peak is one that started half a period earlier."""
    require_rates(peak=peak, floor=floor)
    half = to_steps(half_period, total, "half_period")
    shift = half if start == "peak" else 0
    damp = damping_factor(damping, gamma)
    curve = SHAPES[shape]

    def rate(step: int) -> float:
        cycle, position = divmod(step + shift, 2 * half)
        height = 1 - abs(position / half - 1)
        return floor + (peak - floor) * curve(height) * damp(step, cycle)

    return rate


def damping_factor(damping: Damping, gamma: float | None) -> Callable[[int, int], float]:
    """The factor on a wave's height, from the step and the number of the cycle."""
    if damping == "exponential":
        require(
            gamma is not None and 0 < gamma <= 1, "exponential damping needs a gamma above 0 and up to 1", gamma=gamma
        )
        factor = gamma or 0.0
        return lambda step, _cycle: factor**step
    require(gamma is None, "only exponential damping takes a gamma", gamma=gamma)
    return (lambda _step, cycle: 0.5**cycle) if damping == "halving" else (lambda _step, _cycle: 1.0)
