"""`kill -9` in the middle of a strategy: nothing is lost, and the pool is the same to the bit.

With `LRENSEMBLE_KILLS` above 2 other strategies are killed as well; stops between two events test them already.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.train.run.test_kill import KILLS, run

from lrensemble.config import Experiment
from lrensemble.train import tune

SEARCH = "optuna(trials=4, pruner=successive_halving(min_resource=1, reduction_factor=2))"
MORE = (SEARCH.replace("))", "), objective='ensemble')"), "snapshots(cycles=2)", "seeds(count=2)") if KILLS > 2 else ()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 needs a POSIX system")
@pytest.mark.parametrize("strategy", [SEARCH, *MORE])
def test_killed_at_random_moments(
    experiment: Callable[..., Experiment],
    sweep: dict[str, Any],
    contents: Callable[[Path], dict[str, object]],
    forking: Path,
    tmp_path: Path,
    strategy: str,
) -> None:
    space = {"train.weight_decay": "log_uniform(low=1e-4, high=1e-2)"} if strategy.startswith("optuna") else {}
    sweep = sweep | {"sweep": {"strategy": strategy, "space": space}}
    list(tune(experiment(sweep=sweep["sweep"]), tmp_path / "whole"))
    expected = contents(tmp_path / "whole")
    moments = random.Random(1)
    enough = max(1, KILLS // 3)
    kills = rounds = 0
    while kills < enough:
        folder = tmp_path / str(rounds)
        while kills < enough and run(
            forking, sweep, folder, stop_after=moments.randrange(25), wait=moments.random() / 50
        ):
            kills += 1
        assert not run(forking, sweep, folder, stop_after=None)
        assert contents(folder) == expected
        rounds += 1
