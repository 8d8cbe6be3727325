"""Points of a sweep's space: one value for everything that varies."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from lrensemble.config import Experiment
from lrensemble.config.space import MOST_VALUES, Choice, Distribution, RangeTestPeaks, Uniform
from lrensemble.errors import ConfigError
from lrensemble.spec import Spec, Value

SIGNIFICANT_DIGITS = 4
"""Significant digits of a number that is drawn: recipes stay readable, and no result depends on the fifth."""


SEED_DIGITS = 8
"""Hexadecimal digits of a seed: few enough to be read, so many that no two of a thousand members share one."""


@dataclass(frozen=True)
class Point:
    """Policy, complete with its arguments, and the values of what else varies."""

    policy: Spec
    values: dict[str, Value] = field(default_factory=dict)
    """Values by the path of their field, `train.batch_size` or `model.width`; `policy.…` is in the policy already."""

    @property
    def varied(self) -> str:
        """Differences from the experiment beside the policy, for people: `batch_size=64, model.width=8`."""
        return ", ".join(f"{path.removeprefix('train.')}={_text(value)}" for path, value in self.values.items())

    def seed(self, base: int) -> int:
        """Seed of the run of this point that has its seed to itself.

        It follows from what is trained and not from the place in the sweep: a sweep that gets more policies or values
        trains only what is new.

        Args:
            base: seed of the experiment; other ones give runs that have nothing in common.
        """
        return derived_seed(base, Spec("point", {"policy": self.policy, **self.values}).to_json())


def derived_seed(base: int, *parts: object) -> int:
    """Seed that follows from another one and from what it is for, as JSON."""
    digest = hashlib.sha256(json.dumps([base, *parts], sort_keys=True).encode())
    return int(digest.hexdigest()[:SEED_DIGITS], 16)


def point_of(policy: Spec, values: dict[str, Value]) -> Point:
    """Point of a policy of the experiment and a value for every path that varies with it."""
    own = {path.removeprefix("policy."): value for path, value in values.items() if path.startswith("policy.")}
    others = {path: value for path, value in values.items() if not path.startswith("policy.")}
    return Point(Spec(policy.name, {**policy.arguments, **own}), others)


def grid_points(experiment: Experiment) -> list[Point]:
    """Points of the whole grid, policy by policy as the experiment lists them; the last key changes fastest.

    Raises:
        ConfigError: an interval, which has infinitely many values, or too many values.
    """
    points: list[Point] = []
    for policy, along in experiment.sweep.entries(experiment.policy):
        ranges = experiment.sweep.ranges(policy.name)
        lists = [_values_of(experiment, policy.name, path, ranges[path]) for path in ranges]
        if len(points) + math.prod(map(len, lists)) > MOST_VALUES:
            raise ConfigError(
                f"sweep.space: the lists make more than {MOST_VALUES:,} recipes; shorten them, or draw some"
            )
        products = itertools.product(*lists)
        points += [point_of(policy, along | dict(zip(ranges, values, strict=True))) for values in products]
    return points


def drawn_points(experiment: Experiment, seed: int) -> Iterator[Point]:
    """Points drawn at random without end, each a function of the seed and of its index; they may repeat.

    Every policy of the experiment is as likely as every other.
    """
    entries = experiment.sweep.entries(experiment.policy)
    for index in itertools.count():
        generator = np.random.default_rng((seed, index))
        policy, along = entries[int(generator.integers(len(entries)))]
        ranges = experiment.sweep.ranges(policy.name)
        drawn = {path: _draw(distribution, generator) for path, distribution in ranges.items()}
        yield point_of(policy, along | drawn)


def number_of_points(experiment: Experiment) -> int | None:
    """Number of points of the space; None where it is infinite."""
    sizes = []
    for policy, _ in experiment.sweep.entries(experiment.policy):
        ranges = experiment.sweep.ranges(policy.name).values()
        if any(isinstance(distribution, Uniform) for distribution in ranges):
            return None
        sizes.append(math.prod(len(values_of(distribution)) for distribution in ranges))
    return sum(sizes)


def require_points(experiment: Experiment, trials: int) -> None:
    """Refuse more trials than there are points.

    Raises:
        ConfigError: there are fewer.
    """
    available = number_of_points(experiment)
    if available is not None and trials > available:
        raise ConfigError(
            f"sweep.strategy: trials = {trials} are more than the {available} points of the space; "
            "lower it, widen the space, or train all with strategy grid"
        )


def values_of(distribution: Distribution) -> tuple[Value, ...]:
    """Values of a list; of a range test that is still to be made, peaks spread over its rates.

    Raises:
        ValueError: an interval, which has infinitely many values.
    """
    if isinstance(distribution, Choice):
        return distribution.values
    if isinstance(distribution, RangeTestPeaks):
        return tuple(float(rate) for rate in np.geomspace(distribution.low, distribution.high, distribution.count))
    raise ValueError(f"{distribution} has infinitely many values")


def rounded(value: float, distribution: Uniform) -> float:
    """Number with few digits, next to one that was drawn from an interval, and still inside it."""
    return min(max(float(f"{value:.{SIGNIFICANT_DIGITS}g}"), distribution.low), distribution.high)


def _values_of(experiment: Experiment, policy: str, path: str, distribution: Distribution) -> tuple[Value, ...]:
    if isinstance(distribution, Uniform):
        raise ConfigError(
            f"{experiment.sweep.key_path(policy, path)}: a range has no end of values and {experiment.sweep.strategy} "
            "trains all; give a list, or strategy random or optuna"
        )
    return values_of(distribution)


def _draw(distribution: Distribution, generator: np.random.Generator) -> Value:
    if not isinstance(distribution, Uniform):
        values = values_of(distribution)
        return values[int(generator.integers(len(values)))]
    low, high = distribution.low, distribution.high
    if distribution.log:
        return rounded(math.exp(generator.uniform(math.log(low), math.log(high))), distribution)
    return rounded(float(generator.uniform(low, high)), distribution)


def _text(value: Value) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_text(item) for item in value)}]"
    return str(value)
