"""The grid: every combination of what varies."""

from __future__ import annotations

from lrensemble.limits import Runs
from lrensemble.train.sweep.points import grid_points, require_points
from lrensemble.train.sweep.run_factory import RunFactory
from lrensemble.train.sweep.strategies.base import STRATEGIES, Strategy, single_round


@STRATEGIES.register(looks=False)
def grid(factory: RunFactory, *, trials: Runs | None = None) -> Strategy:
    """Every policy with every combination of the listed values, in the order of the file.

    Args:
        factory: maker of the runs.
        trials: that many of them alone, evenly spread over the list, its first and last among them.

    Raises:
        ConfigError: a range that has no end of values, fewer points than trials, or epochs that cannot be divided
            evenly.
    """
    points = grid_points(factory.experiment)
    if trials is not None:
        require_points(factory.experiment, trials)
        points = [points[place] for place in spread(len(points), trials)]
    epochs = factory.epochs_per_run(len(points))
    return single_round([factory.run(order, point, epochs=epochs) for order, point in enumerate(points)])


def spread(count: int, chosen: int) -> list[int]:
    """So many of the places 0 to `count` - 1, at even distances, the first and the last among them; one is the middle.

    A list of policies and, in each, of rising peaks is so met at every policy and at low and high peaks.
    """
    if chosen == 1:
        return [count // 2]
    return [round(place * (count - 1) / (chosen - 1)) for place in range(chosen)]
