"""Snapshot ensembles: a member at the end of every cycle of one run."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from lrensemble.errors import ConfigError
from lrensemble.limits import Runs
from lrensemble.spec import Spec
from lrensemble.train.run.runs import Run
from lrensemble.train.sweep.points import grid_points
from lrensemble.train.sweep.run_factory import RunFactory
from lrensemble.train.sweep.strategies.base import STRATEGIES, Strategy
from lrensemble.train.sweep.strategies.chains import chain_of, chained_rounds


@STRATEGIES.register(looks=False, cycles=4)
def snapshots(factory: RunFactory, *, cycles: Annotated[Runs, Field(gt=1)]) -> Strategy:
    """Every recipe of the grid as one run of `cycles` cycles, a member at the end of each (Huang et al. 2017).

    Each cycle follows the recipe's policy anew; with `cosine` that is the paper's schedule (eq. 2). A run is as long as
    any other, so its members together cost what one member of a grid costs.

    Args:
        factory: maker of the runs.
        cycles: members of each run.

    Raises:
        ConfigError: the epochs of a run are no multiple of the cycles, or a range has no end of values.
    """
    points = grid_points(factory.experiment)
    repeated = [replace(p, policy=Spec("repeat", {"policy": p.policy, "times": cycles})) for p in points]
    epochs = factory.epochs_per_run(len(points))
    runs = [factory.run(order, point, epochs=epochs) for order, point in enumerate(repeated)]
    return chained_rounds([chain_of(run, _ends(run, cycles)) for run in runs])


def _ends(run: Run, cycles: int) -> list[int]:
    epochs = run.recipe.train.epochs
    if epochs % cycles:
        above = (epochs // cycles + 1) * cycles
        raise ConfigError(
            f"sweep.strategy: a run of {epochs} epochs cannot be divided into {cycles} cycles; "
            f"give epochs as a multiple of {cycles}, e.g. {above}"
        )
    return [epochs // cycles * cycle for cycle in range(1, cycles + 1)]
