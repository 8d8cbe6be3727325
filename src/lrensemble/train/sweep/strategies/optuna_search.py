"""Search by Optuna: recipes that follow from the scores of earlier ones."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from lrensemble.errors import SpecError
from lrensemble.limits import Repeats, Runs
from lrensemble.spec import to_spec
from lrensemble.train.run.own_loop.function import refuse_function
from lrensemble.train.sweep.points import require_points
from lrensemble.train.sweep.run_factory import RunFactory
from lrensemble.train.sweep.strategies.base import KEY, STRATEGIES, Strategy
from lrensemble.train.sweep.strategies.optuna_parts import build_pruner, build_sampler
from lrensemble.train.sweep.strategies.optuna_trials import OptunaSearch
from lrensemble.train.sweep.strategies.watched import watched_metric


@STRATEGIES.register("optuna", trials=3)
def optuna_search(
    factory: RunFactory,
    *,
    trials: Runs,
    sampler: Any = "tpe",
    pruner: Any = "nop",
    objective: Literal["single", "ensemble"] = "single",
    metric: str | None = None,
    storage: str | None = None,
    at_once: Repeats = 1,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> Strategy:
    """A search by Optuna (Akiba et al. 2019): each recipe follows from the scores of the earlier ones.

    A trial that is interrupted goes on where it stopped, and a search that is given more trials goes on after the last
    one. Trials that are pruned stay in the pool as such, and out of every selection.

    Args:
        factory: maker of the runs.
        trials: number of different recipes; those that were pruned or diverged count.
        sampler: a class of `optuna.samplers` in words, with its arguments: `tpe`, `gp`, `qmc`, `random`, `nsgaii`, …
        pruner: one of `optuna.pruners`: `median`, `successive_halving`, `hyperband`, …; it is given the val
            score after every epoch. `nop` prunes nothing.
        objective: `single` maximises a member's own score, `ensemble` its gain for the greedy team over all members
            that the pool has by then.
        metric: the metric of the scores, one of those that are measured on the validation rows after every epoch; `nll`
            of classes, `mse` of values, or `gaussian_nll` where their distributions are learned, unless given.
        storage: URL of a database, or a file for Optuna's journal; a file in the pool unless given, of SQLite's on a
            disk of this machine and of the journal's on a shared one.
        at_once: number of trials in a round, which are trained together.
        seed: the seed of the sampler.

    Raises:
        MissingExtraError: Optuna is not installed.
        SpecError: a sampler or a pruner that is unknown or refuses an argument.
        ConfigError: the space has fewer points than trials, or epochs cannot be divided evenly.
    """
    require_points(factory.experiment, trials)
    try:
        build_sampler(sampler, seed, index=0)
        build_pruner(pruner)
    except SpecError as error:
        raise SpecError(f"{KEY}: {error}") from None
    if to_spec(pruner).name != "nop":
        refuse_function(factory.experiment.train.function, f"{KEY}: pruner = {pruner}", "leave the pruner out")
    return OptunaSearch(
        factory=factory,
        trials=trials,
        epochs=factory.epochs_per_run(trials),
        sampler=sampler,
        pruner=pruner,
        objective=objective,
        metric=watched_metric(factory, metric),
        storage=storage,
        at_once=at_once,
        seed=seed,
    ).rounds
