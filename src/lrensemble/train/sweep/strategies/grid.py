"""The grid: every combination of what varies."""

from __future__ import annotations

from lrensemble.train.sweep.points import grid_points
from lrensemble.train.sweep.run_factory import RunFactory
from lrensemble.train.sweep.strategies.base import STRATEGIES, Strategy, single_round


@STRATEGIES.register()
def grid(factory: RunFactory) -> Strategy:
    """Every policy with every combination of the listed values, in the order of the file.

    Raises:
        ConfigError: a range that has no end of values, or epochs that cannot be divided evenly.
    """
    points = grid_points(factory.experiment)
    epochs = factory.epochs_per_run(len(points))
    return single_round([factory.run(order, point, epochs=epochs) for order, point in enumerate(points)])
