"""The points of a sweep's space: one value for everything that varies."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from lrensemble.config import Experiment
from lrensemble.config.space import MOST_VALUES, Choice, Distribution, Measured, Uniform
from lrensemble.errors import ConfigError
from lrensemble.spec import Spec, Value

DIGITS = 4
"""Significant digits of a number that is drawn: recipes stay readable, and no result depends on the fifth."""


@dataclass(frozen=True)
class Point:
    """A policy, complete with its arguments, and the values of what else varies."""

    policy: Spec
    values: dict[str, Value] = field(default_factory=dict)
    """By the path of the field, `train.batch_size` or `model.width`; `policy.…` is in the policy already."""

    @property
    def varied(self) -> str:
        """What differs from the experiment beside the policy, for people: `batch_size=64, model.width=8`."""
        return ", ".join(f"{path.removeprefix('train.')}={_text(value)}" for path, value in self.values.items())


def point_of(policy: Spec, values: dict[str, Value]) -> Point:
    """A point from a policy of the experiment and a value for every path that varies with it."""
    own = {path.removeprefix("policy."): value for path, value in values.items() if path.startswith("policy.")}
    others = {path: value for path, value in values.items() if not path.startswith("policy.")}
    return Point(Spec(policy.name, {**policy.arguments, **own}), others)


def grid_points(experiment: Experiment) -> list[Point]:
    """Every point, policy by policy as the experiment lists them; what stands last in the file changes fastest.

    Raises:
        ConfigError: a range that has no end of values, or too many of them.
    """
    points: list[Point] = []
    for policy in experiment.policy:
        ranges = experiment.sweep.ranges(policy.name)
        lists = [_listed(experiment, policy.name, path, ranges[path]) for path in ranges]
        if len(points) + math.prod(map(len, lists)) > MOST_VALUES:
            raise ConfigError(
                f"sweep.space: the lists make more than {MOST_VALUES:,} recipes; shorten them, or draw some"
            )
        points += [point_of(policy, dict(zip(ranges, values, strict=True))) for values in itertools.product(*lists)]
    return points


def drawn_points(experiment: Experiment, seed: int) -> Iterator[Point]:
    """Points drawn at random without end, each a function of the seed and of its place; they may repeat.

    Every policy of the experiment is as likely as every other.
    """
    for place in itertools.count():
        generator = np.random.default_rng((seed, place))
        policy = experiment.policy[int(generator.integers(len(experiment.policy)))]
        ranges = experiment.sweep.ranges(policy.name)
        yield point_of(policy, {path: _draw(distribution, generator) for path, distribution in ranges.items()})


def size(experiment: Experiment) -> int | None:
    """How many points there are; None where a range has no end of values."""
    sizes = []
    for policy in experiment.policy:
        ranges = experiment.sweep.ranges(policy.name).values()
        if any(isinstance(distribution, Uniform) for distribution in ranges):
            return None
        sizes.append(math.prod(len(listed(distribution)) for distribution in ranges))
    return sum(sizes)


def require_points(experiment: Experiment, trials: int) -> None:
    """Refuse more trials than there are points.

    Raises:
        ConfigError: there are fewer.
    """
    available = size(experiment)
    if available is not None and trials > available:
        raise ConfigError(
            f"sweep.strategy: trials = {trials} are more than the {available} points of the space; "
            "lower it, widen the space, or train all with strategy grid"
        )


def listed(distribution: Distribution) -> tuple[Value, ...]:
    """The values of a list. A range test that is still to be made stands for peaks spread over its rates.

    Raises:
        ValueError: an interval, which has no end of values.
    """
    if isinstance(distribution, Choice):
        return distribution.values
    if isinstance(distribution, Measured):
        return tuple(float(rate) for rate in np.geomspace(distribution.low, distribution.high, distribution.count))
    raise ValueError(f"{distribution} has no end of values")


def rounded(value: float, distribution: Uniform) -> float:
    """A number drawn from an interval with few digits, still inside it."""
    return min(max(float(f"{value:.{DIGITS}g}"), distribution.low), distribution.high)


def _listed(experiment: Experiment, policy: str, path: str, distribution: Distribution) -> tuple[Value, ...]:
    if isinstance(distribution, Uniform):
        raise ConfigError(
            f"{experiment.sweep.place(policy, path)}: a range has no end of values and {experiment.sweep.strategy} "
            "trains all; give a list, or strategy random or optuna"
        )
    return listed(distribution)


def _draw(distribution: Distribution, generator: np.random.Generator) -> Value:
    if not isinstance(distribution, Uniform):
        values = listed(distribution)
        return values[int(generator.integers(len(values)))]
    low, high = distribution.low, distribution.high
    if distribution.log:
        return rounded(math.exp(generator.uniform(math.log(low), math.log(high))), distribution)
    return rounded(float(generator.uniform(low, high)), distribution)


def _text(value: Value) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_text(item) for item in value)}]"
    return str(value)
