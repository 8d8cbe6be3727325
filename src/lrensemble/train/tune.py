"""A sweep: every recipe of an experiment becomes a member of the pool, once."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lrensemble.config import Experiment
from lrensemble.errors import LREnsembleError
from lrensemble.pool import Failure, Pool
from lrensemble.train.engine import Step
from lrensemble.train.interrupt import Interrupt, deferred_interrupt
from lrensemble.train.member import Run, Watch, state_folder, train_member
from lrensemble.train.peaks import with_measured_peaks
from lrensemble.train.plan import Plan, plan
from lrensemble.train.strategies import STRATEGIES


@dataclass(frozen=True)
class Planned:
    """All is checked and the sweep begins; or, where a strategy waits for results, goes on with more runs."""

    pool: Pool
    runs: tuple[Run, ...]
    """Those that are to be trained now."""
    remaining: int = 0
    """How many are expected to be planned later."""


@dataclass(frozen=True)
class Began:
    """A run begins, or goes on from a saved state; the steps that follow are its own."""

    run: Run


@dataclass(frozen=True)
class Ended:
    """A run has ended."""

    run: Run
    status: Literal["finished", "diverged", "pruned", "failed", "exists"]
    scores: dict[str, float] = field(default_factory=dict)
    """By metric, on the validation rows; empty unless it is finished."""
    reason: str = ""
    """Why it failed, in one line; the traceback is in the pool, under `failed`."""


Event = Planned | Began | Step | Ended


def tune(
    experiment: Experiment, folder: Path, *, device: str = "cpu", save_steps: int | None = None
) -> Generator[Event, None, None]:
    """Train the members of an experiment that a pool does not have yet, and tell what happens as it happens.

    All is checked when the function is called; training goes on while the events are read:

    ```python
    for event in tune(load_experiment("digits"), Path("pool")):
        if isinstance(event, Ended):
            ...
    ```

    A run that ends in an error is written down in the pool with its traceback and tried again by the next sweep; the
    others go on. A run that is interrupted goes on where its state was last saved, to the same bits on the same CPU.

    Args:
        experiment: what to train.
        folder: of the pool; made where it is missing.
        device: `cpu`, `cuda`, `cuda:1`, or `auto` for a GPU where there is one; no part of a recipe.
        save_steps: how many steps lie between two savings of a run's state; an epoch unless given.

    Raises:
        LREnsembleError: a name, argument, device, data set or folder that cannot be used, before any training.
        KeyboardInterrupt: Ctrl-C, after the step was finished and the state saved; while the events are read.
    """
    return _train_all(plan(experiment, folder, device), save_steps)


def _train_all(planned: Plan, save_steps: int | None) -> Generator[Event, None, None]:
    with deferred_interrupt() as interrupt:
        recipes = with_measured_peaks(planned.recipes, planned.dataset, planned.pool.folder)
        strategy = STRATEGIES.call(recipes.experiment.sweep.strategy, recipes)
        for batch in strategy(planned.pool):
            yield Planned(planned.pool, batch.runs, batch.remaining)
            for run in batch.runs:
                if run.id in planned.pool:
                    # A state may have been left by a kill at the very end.
                    shutil.rmtree(state_folder(planned.pool, run.id), ignore_errors=True)
                    yield Ended(run, "exists")
                else:
                    yield Began(run)
                    yield from _train_one(run, planned, interrupt, save_steps, batch.watch)
                if interrupt.pending:
                    raise KeyboardInterrupt


def _train_one(
    run: Run, planned: Plan, interrupt: Interrupt, save_steps: int | None, watch: Watch | None
) -> Generator[Event, None, None]:
    training = train_member(run, planned.dataset, planned.pool, interrupt, save_steps=save_steps, watch=watch)
    try:
        record = yield from training
    except LREnsembleError:  # a full disk, a model that does not suit the data: every other run would meet it
        raise
    except Exception as error:
        recipe = run.recipe.model_dump(mode="json")
        trace = "".join(traceback.format_exception(error))
        planned.pool.record_failure(Failure(id=run.id, name=run.name, recipe=recipe, traceback=trace))
        yield Ended(run, "failed", reason=" ".join(f"{type(error).__name__}: {error}".split()))
    else:
        yield Ended(run, record.status, record.scores.get("val", {}))
