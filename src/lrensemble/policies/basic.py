"""Policies that go one way: constant, steps, and smooth decays."""

from __future__ import annotations

import bisect
import math

from lrensemble.policies.base import Course, Rate, policy
from lrensemble.policies.checks import is_finite, require, require_factor, require_positive, require_rates
from lrensemble.policies.positions import Position, to_rising_steps, to_steps


@policy(peak=0.1)
def constant(total: int, *, peak: float) -> Rate:
    """The same rate at every step."""
    require_rates(peak=peak)
    return lambda step: peak


@policy(rates=[0.1, 0.1, 0.05])
def table(total: int, *, rates: tuple[float, ...], momenta: tuple[float, ...] | None = None) -> Course:
    """Any curve, step by step; the last rate stays.

    Args:
        total: steps of the run.
        rates: rate of each step.
        momenta: momentum of each step, as many; the optimizer's own unless given.
    """
    require(len(rates) > 0, "give at least one", rates=list(rates))
    bad = next((i for i, value in enumerate(rates) if not (is_finite(value) and value >= 0)), None)
    require(bad is None, "rates are finite and not negative", **{f"rates[{bad}]": rates[bad or 0]})
    last = len(rates) - 1
    if momenta is None:
        return Course(lambda step: rates[min(step, last)])
    require(len(momenta) == len(rates), f"give as many as rates, {len(rates)}", momenta=len(momenta))
    bad = next((i for i, value in enumerate(momenta) if not 0 <= value < 1), None)
    require(bad is None, "a momentum is 0 or more and below 1", **{f"momenta[{bad}]": momenta[bad or 0]})
    return Course(lambda step: rates[min(step, last)], lambda step: momenta[min(step, last)])


@policy(peak=0.1, every=0.25, gamma=0.5)
def step(total: int, *, peak: float, every: Position = 0.3, gamma: float = 0.1) -> Rate:
    """`peak` times `gamma` to the power of how many times `every` has passed (torch's `StepLR`).

    rate(t) = peak · gamma^⌊t / every⌋.
    """
    require_rates(peak=peak)
    require_factor(gamma=gamma)
    length = to_steps(every, total, "every")
    return lambda step: peak * gamma ** (step // length)


@policy(peak=0.1, milestones=[0.3, 0.6, 0.8])
def multi_step(
    total: int, *, peak: float, milestones: tuple[Position, ...] = (0.3, 0.6, 0.8), gamma: float = 0.2
) -> Rate:
    """`peak`, multiplied by `gamma` at each milestone (torch's `MultiStepLR`; He et al. 2016, sec. 4.2).

    rate(t) = peak · gamma^k, with k the number of milestones up to t.

    Args:
        total: steps of the run.
        peak: rate at the start.
        milestones: moments, rising, as steps, as fractions of the run or in epochs: `"60 epochs"`.
        gamma: factor at each.
    """
    require_rates(peak=peak)
    require_factor(gamma=gamma)
    moments = to_rising_steps(tuple(milestones), total, "milestones")
    return lambda step: peak * gamma ** bisect.bisect_right(moments, step)


@policy(peak=0.1, floor=0.001)
def exponential(total: int, *, peak: float, gamma: float | None = None, floor: float | None = None) -> Rate:
    """`peak` times `gamma` to the power of the step (torch's `ExponentialLR`); or falling to `floor` at the end.

    rate(t) = peak · gamma^t; with a floor, gamma = (floor / peak)^(1 / T) and t is at most T.

    Args:
        total: steps of the run.
        peak: rate at the start.
        gamma: factor from step to step; give this or `floor`.
        floor: rate at step `total` and from there on, from which `gamma` follows.
    """
    require_rates(peak=peak)
    require((gamma is None) != (floor is None), "give either gamma or floor", gamma=gamma, floor=floor)
    if floor is not None:
        require(0 < floor <= peak, f"a floor of exponential lies above 0 and up to the peak ({peak})", floor=floor)
        return lambda step: peak * (floor / peak) ** (min(step, total) / total)
    factor = gamma or 0.0
    require_factor(gamma=factor)
    return lambda step: peak * factor**step


@policy(peak=0.1, power=2.0)
def polynomial(
    total: int, *, peak: float, floor: float = 0.0, power: float = 1.0, decay: Position | None = None
) -> Rate:
    """The rate floor + (peak - floor) (1 - t/T)^power, then `floor` (torch's `PolynomialLR`; LRBench's POLY).

    Args:
        total: steps of the run.
        peak: rate at the start.
        floor: rate at the end of the decay.
        power: 1 for a straight line.
        decay: its length T; the whole run unless given.
    """
    require_rates(peak=peak, floor=floor)
    require_positive(power=power)
    length = total if decay is None else to_steps(decay, total, "decay")
    return lambda step: floor + (peak - floor) * (1 - min(step, length) / length) ** power


@policy(peak=0.1)
def linear(total: int, *, peak: float, floor: float = 0.0) -> Rate:
    """A straight line from `peak` at step 0 to `floor` at step `total`.

    rate(t) = floor + (peak - floor) (1 - t / T), with t at most T.
    """
    require_rates(peak=peak, floor=floor)
    return lambda step: floor + (peak - floor) * (1 - min(step, total) / total)


@policy(peak=0.1, gamma=0.01, power=0.75)
def inverse(total: int, *, peak: float, gamma: float, power: float = 1.0) -> Rate:
    """The rate peak (1 + gamma t)^-power (Caffe's and LRBench's INV)."""
    require_rates(peak=peak)
    require_positive(gamma=gamma, power=power)
    return lambda step: peak * (1 + gamma * step) ** -power


@policy(peak=0.1, steepness=10.0)
def sigmoid(total: int, *, peak: float, steepness: float = 10.0, middle: Position = 0.5) -> Rate:
    """The rate peak / (1 + exp(steepness (t - middle) / total)): a smooth fall around `middle` (LRBench's SIG)."""
    require_rates(peak=peak)
    require_positive(steepness=steepness)
    center = to_steps(middle, total, "middle")
    return lambda step: peak * logistic(-steepness * (step - center) / total)


@policy(peak=0.1)
def cosine(total: int, *, peak: float, floor: float = 0.0) -> Rate:
    """Half a cosine wave from `peak` at step 0 to `floor` at step `total` (Loshchilov & Hutter 2017, eq. 5).

    rate(t) = floor + (peak - floor) (1 + cos(π t / T)) / 2, with t at most T.
    """
    require_rates(peak=peak, floor=floor)
    return lambda step: half_cosine(peak, floor, min(step, total) / total)


@policy(peak=0.1, warmup=0.1, decay=0.2)
def trapezoidal(
    total: int,
    *,
    peak: float,
    floor: float = 0.0,
    warmup: Position = 0.05,
    decay: Position = 0.2,
    start: float | None = None,
) -> Rate:
    """Up in a line, flat at `peak`, down to `floor` in a line (Hägele et al. 2024).

    Args:
        total: steps of the run.
        peak: rate of the flat part.
        floor: rate from step `total` on.
        warmup: length of the rise; 0 for none.
        decay: length of the fall, which ends with the run.
        start: fraction of `peak` at step 0; unless given that of `floor`, or 1 / warmup steps where `floor` is 0, since
            a step at rate 0 learns nothing.
    """
    require_rates(peak=peak, floor=floor)
    rise, fall = to_steps(warmup, total, "warmup", zero=True), to_steps(decay, total, "decay")
    require(
        rise + fall <= max(total, 2),
        f"together they must fit into the run of {total} steps",
        warmup=warmup,
        decay=decay,
    )
    lowest = (floor or peak / max(1, rise)) if start is None else peak * start
    require(start is None or 0 <= start <= 1, "give a fraction from 0 to 1", start=start)

    def rate(step: int) -> float:
        rising = lowest + (peak - lowest) * step / rise if step < rise else peak
        return min(rising, floor + (peak - floor) * max(0.0, min(1.0, (total - step) / fall)))

    return rate


def logistic(value: float) -> float:
    """Logistic function 1 / (1 + exp(-value))."""
    return 1 / (1 + math.exp(min(700.0, -value)))  # exp(710) overflows; all is zero to every digit long before


def half_cosine(start: float, end: float, progress: float) -> float:
    """Half a cosine wave from `start` at progress 0 to `end` at progress 1.

    end + (start - end) (1 + cos(π progress)) / 2.
    """
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * progress))
