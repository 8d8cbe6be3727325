"""The deep ensemble: the same recipe with other seeds."""

from __future__ import annotations

import itertools

from lrensemble.errors import ConfigError
from lrensemble.limits import Runs
from lrensemble.train.sweep.points import grid_points
from lrensemble.train.sweep.run_factory import RunFactory
from lrensemble.train.sweep.strategies.base import STRATEGIES, Strategy, single_round


@STRATEGIES.register(looks=False, count=4)
def seeds(factory: RunFactory, *, count: Runs) -> Strategy:
    """Every recipe of the grid `count` times, with a seed each (Lakshminarayanan et al. 2017).

    The first of them are the members of `grid`. With `sweep.seed = "shared"` the seeds are `train.seed` and the numbers
    after it, the same for every recipe.

    Args:
        factory: maker of the runs.
        count: members of each recipe.

    Raises:
        ConfigError: the space varies the seed as well, a range has no end of values, or epochs cannot be divided
            evenly.
    """
    points = grid_points(factory.experiment)
    if any("train.seed" in point.values for point in points):
        raise ConfigError("sweep: train.seed varies, and strategy seeds varies it itself; remove it, or use grid")
    epochs = factory.epochs_per_run(len(points) * count)
    first = [factory.run(order, point, epochs=epochs) for order, point in enumerate(points)]
    numbered = itertools.product(first, range(count))
    return single_round([factory.replica(run, number, order) for order, (run, number) in enumerate(numbered)])
