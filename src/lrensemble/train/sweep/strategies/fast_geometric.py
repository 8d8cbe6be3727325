"""Fast geometric ensembles: a run, and then short cycles around where it ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from lrensemble.errors import ConfigError
from lrensemble.limits import Count, Runs
from lrensemble.spec import Spec, Value
from lrensemble.train.run.runs import Run
from lrensemble.train.sweep.points import Point, grid_points
from lrensemble.train.sweep.run_factory import RunFactory
from lrensemble.train.sweep.strategies.base import STRATEGIES, Strategy
from lrensemble.train.sweep.strategies.chains import chain_of, chained_rounds

Rate = Annotated[float, Field(gt=0)]


@STRATEGIES.register(looks=False, members=3, cycle=2)
def fast_geometric(
    factory: RunFactory,
    *,
    members: Annotated[Runs, Field(gt=1)],
    cycle: Annotated[Count, Field(gt=1, multiple_of=2)] = 2,
    peak: Rate = 0.05,
    floor: Rate = 0.0005,
) -> Strategy:
    """Every recipe of the grid as one run, then short triangular cycles, a member each (Garipov et al. 2018, sec. 4).

    A member is taken wherever the rate is lowest, in the middle of a cycle. The cycles take the last epochs of the run,
    which ends in the middle of the last one; the recipe's own policy has the others.

    Args:
        factory: maker of the runs.
        members: members of each run.
        cycle: length of a cycle in epochs, an even number; the paper has 2 and 4.
        peak: highest rate of a cycle, at its ends.
        floor: lowest rate of a cycle, in its middle.

    Raises:
        ConfigError: the cycles leave no epoch for the policy, or a range has no end of values.
    """
    points = grid_points(factory.experiment)
    epochs = factory.epochs_per_run(len(points))
    ends = range(-(members - 1) * cycle, 1, cycle)  # from the end of the run
    chains = []
    for order, point in enumerate(points):
        plain = factory.run(order, point, epochs=epochs)
        before = plain.recipe.train.epochs + ends[0] - cycle // 2
        if before < 1:
            raise ConfigError(
                f"sweep.strategy: {members} members with cycles of {cycle} epochs leave none of the "
                f"{plain.recipe.train.epochs} epochs for {point.policy}; give at least {cycle // 2 - ends[0] + 1}"
            )
        whole = factory.run(order, _with_cycles(plain, point, before, cycle, (peak, floor)), epochs=epochs)
        chains.append(chain_of(whole, [whole.recipe.train.epochs + end for end in ends]))
    return chained_rounds(chains)


def _with_cycles(plain: Run, point: Point, before: int, cycle: int, rates: tuple[float, float]) -> Point:
    """Point whose policy is that of another for the first epochs, and cycles after them."""
    epoch_steps = plain.policy.total // plain.recipe.train.epochs
    peak, floor = rates
    shape: dict[str, Value] = {"peak": peak, "floor": floor, "half_period": cycle // 2 * epoch_steps, "start": "peak"}
    pieces = (point.policy, Spec("triangular", shape))
    return replace(point, policy=Spec("join", {"pieces": pieces, "boundaries": (before * epoch_steps,)}))
