"""Every combination of what varies."""

from __future__ import annotations

from lrensemble.train.sweep.points import grid_points
from lrensemble.train.sweep.recipes import Recipes
from lrensemble.train.sweep.strategies.base import STRATEGIES, Strategy, at_once


@STRATEGIES.register()
def grid(recipes: Recipes) -> Strategy:
    """Every policy with every combination of the listed values, in the order of the file.

    Raises:
        ConfigError: a range that has no end of values, or epochs that cannot be divided evenly.
    """
    points = grid_points(recipes.experiment)
    epochs = recipes.share(len(points))
    return at_once([recipes.run(order, point, epochs=epochs) for order, point in enumerate(points)])
