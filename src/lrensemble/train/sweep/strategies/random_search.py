"""Random search."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

from pydantic import Field

from lrensemble.errors import ConfigError
from lrensemble.limits import Runs
from lrensemble.train.sweep.points import Point, drawn_points, require_points
from lrensemble.train.sweep.run_factory import RunFactory
from lrensemble.train.sweep.strategies.base import STRATEGIES, Strategy, single_round

MAX_DRAWS_PER_TRIAL = 1000
"""Draws for each trial after which a space is too narrow."""


@STRATEGIES.register("random", looks=False, trials=4)
def random_search(factory: RunFactory, *, trials: Runs, seed: Annotated[int, Field(ge=0)] = 0) -> Strategy:
    """Distinct recipes drawn at random (Bergstra & Bengio 2012); more trials add to the same first ones.

    Args:
        factory: maker of the runs.
        trials: number of recipes.
        seed: the seed of the draws; that of the training is `train.seed`.

    Raises:
        ConfigError: the space has fewer points than trials, or hardly more, or epochs cannot be divided evenly.
    """
    require_points(factory.experiment, trials)
    points = _distinct(factory, trials, seed)
    epochs = factory.epochs_per_run(trials)
    return single_round([factory.run(order, point, epochs=epochs) for order, point in enumerate(points)])


def _distinct(factory: RunFactory, trials: int, seed: int) -> list[Point]:
    points: dict[str, Point] = {}
    for drawn in islice(drawn_points(factory.experiment, seed), MAX_DRAWS_PER_TRIAL * trials):
        points.setdefault(repr(drawn), drawn)
        if len(points) == trials:
            return list(points.values())
    raise ConfigError(
        f"sweep.strategy: trials = {trials}, but the space is so narrow that only {len(points)} points were drawn; "
        "widen it, or lower trials"
    )
