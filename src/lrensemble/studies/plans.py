"""Plan of a study: all that can be checked before its first pool is trained."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from lrensemble.config import SelectSettings
from lrensemble.config.study_file import Study
from lrensemble.consensus import CONSENSUS
from lrensemble.data import Dataset, load
from lrensemble.errors import ConfigError, LREnsembleError, MissingExtraError
from lrensemble.metrics import METRICS
from lrensemble.pool import Pool
from lrensemble.select import check_method
from lrensemble.studies.begun import check_as_begun
from lrensemble.train.sweep.plan import Plan, plan_of
from lrensemble.train.sweep.setup import task_of

logger = logging.getLogger(__name__)


def checked_plans(study: Study, pools: Path, elsewhere: Mapping[str, tuple[Pool, ...]]) -> dict[str, Plan]:
    """Plan of every pool that is to be trained, at equal cost; one that needs what is not installed is left out.

    Args:
        study: the study.
        pools: folder of its pools, perhaps with some of an earlier call.
        elsewhere: pools that were made elsewhere, by name.

    Raises:
        ConfigError: a pool that costs something else than the budget, or than the first pool where there is none; one
            that was begun from another file, or is over other rows.
        SpecError: a selector, metric or consensus that is not known.
        LREnsembleError: what the sweep of a pool would raise before any training.
    """
    _check_names(study.settings.select)
    plans, dataset = dict[str, Plan](), None
    for name in study.trained:
        experiment = study.experiment(name, 0)
        try:
            dataset = dataset or load(experiment.data, experiment.split)
            plans[name] = plan_of(experiment, dataset)
        except MissingExtraError as error:
            logger.warning("pool %s is left out: %s", name, error)
        except LREnsembleError as error:
            raise type(error)(f"{study.source}: pools.{name}: {error}") from None
    budget = study.settings.budget
    if budget is None or budget.epochs is not None:
        _check_equal(study, plans, budget.epochs if budget else None)
    if dataset is not None:
        _check_rows(study, elsewhere, dataset)
    check_as_begun(study, pools)
    return plans


def _check_names(select: SelectSettings) -> None:
    for method in select.methods:
        check_method(method)
    if select.metric is not None:
        METRICS.check(select.metric)
    if select.consensus is not None:
        CONSENSUS.check(select.consensus)


def _check_equal(study: Study, plans: Mapping[str, Plan], budget: int | None) -> None:
    equal = {name: plan for name, plan in plans.items() if not study.settings.pools[name].beyond_budget}
    for name, plan in equal.items():
        first = next(iter(equal))
        wanted = equal[first].epochs if budget is None else budget
        if plan.epochs != wanted:
            whose = f"pools.{first} takes {wanted}" if budget is None else f"the budget is {wanted}"
            raise ConfigError(
                f"{study.source}: pools.{name}: {plan.runs} members take {plan.epochs} epochs in all, and {whose}; "
                "change its number of runs or their epochs, or say beyond_budget = true"
            )


def _check_rows(study: Study, elsewhere: Mapping[str, tuple[Pool, ...]], dataset: Dataset) -> None:
    task = task_of(dataset)
    for name, pools in elsewhere.items():
        for pool in pools:
            if difference := task.difference(pool.task):
                raise ConfigError(
                    f"{study.source}: pools.{name}: {pool.folder} cannot be compared with what is trained here: "
                    f"{difference}; pools of a study are over the same rows"
                )
