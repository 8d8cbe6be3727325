"""What a field of a recipe may be in a sweep: a list, a range, something to be measured; each named as a spec."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from lrensemble.errors import ConfigError
from lrensemble.limits import Count, Peaks
from lrensemble.registry import Call, Registry
from lrensemble.spec import Value

MOST_VALUES = 100_000
"""Of a list that is written down."""


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    values: tuple[Value, ...]


@dataclass(frozen=True)
class Uniform:
    """Any number from `low` to `high`; with `log` every factor is as likely as every other."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class RangeTestPeaks:
    """Peaks that a learning-rate range test proposes for the experiment's own network, data and optimizer."""

    count: int
    low: float
    high: float
    steps: int


Distribution = Choice | Uniform | RangeTestPeaks

DISTRIBUTIONS: Registry[Distribution] = Registry(
    "range of values", plural="ranges", title="Ranges of values", call=Call(())
)
"""Functions of their own arguments that return a `Distribution`."""


@DISTRIBUTIONS.register(values=[32, 64])
def choice(*, values: Any) -> Distribution:
    """One of a list; a list as it stands means the same.

    Raises:
        ConfigError: the list is empty or names a value twice.
    """
    if not isinstance(values, tuple | list) or not values:
        given = list(values) if isinstance(values, tuple) else values
        raise ConfigError(f"{given!r} is refused: give a list with at least one value")
    repeated = [value for i, value in enumerate(values) if _same_in(value, tuple(values[:i]))]
    if repeated:
        raise ConfigError(f"{repeated[0]!r} stands twice in the list; name every value once")
    return Choice(tuple(values))


@DISTRIBUTIONS.register(low=1, high=4)
def integers(*, low: int, high: int, step: Count = 1) -> Distribution:
    """Whole numbers from `low` up to and with `high`, `step` apart.

    Raises:
        ConfigError: `low` is not below `high`.
    """
    if low >= high:
        raise ConfigError(f"low = {low} and high = {high} contradict each other; low must be below high")
    if (high - low) // step >= MOST_VALUES:
        raise ConfigError(
            f"low = {low} and high = {high}, {step} apart, are more than {MOST_VALUES:,} numbers; raise the step, or "
            "give uniform or log_uniform"
        )
    return Choice(tuple(range(low, high + 1, step)))


@DISTRIBUTIONS.register(low=0.0, high=0.2)
def uniform(*, low: float, high: float) -> Distribution:
    """Any number from `low` to `high`.

    Raises:
        ConfigError: `low` is not below `high`, or one is not finite.
    """
    _check_ends(low, high)
    return Uniform(float(low), float(high))


@DISTRIBUTIONS.register(low=1e-5, high=1e-2)
def log_uniform(*, low: float, high: float) -> Distribution:
    """Any number from `low` to `high`, every factor as likely as every other: for rates and weight decay.

    Raises:
        ConfigError: `low` is not above 0 and below `high`, or one is not finite.
    """
    _check_positive(low, high)
    return Uniform(float(low), float(high), log=True)


@DISTRIBUTIONS.register(count=4)
def range_test(*, count: Peaks = 4, low: float = 1e-5, high: float = 10.0, steps: Count = 200) -> Distribution:
    """For `policy.peak`: `count` peaks, each half the next, up to the one that a range test finds (Smith 2017).

    The test runs once, before the first member, on the experiment's own model and `[train]`; its record stays in the
    pool, so that a sweep that goes on has the same peaks.

    Args:
        count: how many peaks.
        low: rate at which the test starts.
        high: rate at which it ends, unless the loss explodes before.
        steps: how many rates it tries.

    Raises:
        ConfigError: `low` is not above 0 and below `high`, or too few steps to see anything.
    """
    _check_positive(low, high)
    if steps < FEWEST_STEPS:
        raise ConfigError(f"steps = {steps} are too few for a range test; give at least {FEWEST_STEPS}")
    return RangeTestPeaks(count, float(low), float(high), steps)


FEWEST_STEPS = 20
"""Of a range test: with fewer, smoothing leaves no curve."""


def _check_positive(low: float, high: float) -> None:
    _check_ends(low, high)
    if low <= 0:
        raise ConfigError(f"low = {low} is refused: a logarithm needs it above 0")


def _check_ends(low: float, high: float) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ConfigError(f"low = {low} and high = {high} contradict each other; low must be below high, both finite")


def _same_in(value: Value, others: tuple[Value, ...]) -> bool:
    """Whether a value is among others, `true` and `1` told apart."""
    return any(type(value) is type(other) and value == other for other in others)
