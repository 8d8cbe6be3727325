"""Setup of a sweep: everything that can be checked is checked before any training."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from lrensemble.config import Experiment
from lrensemble.data import Dataset, Learnable
from lrensemble.pool import Pool, Task
from lrensemble.registry import import_plugins
from lrensemble.train.run.reading import check_source, read
from lrensemble.train.sweep.failures import Failures
from lrensemble.train.sweep.pretraining import with_base, with_placeholder
from lrensemble.train.sweep.run_factory import RunFactory, check_space, parts_of_space
from lrensemble.train.sweep.strategies import STRATEGIES, check_strategy
from lrensemble.train.sweep.tried import check_own_model

logger = logging.getLogger(__name__)

SPLITS = ("val", "test")
"""Splits that members predict."""


@dataclass(frozen=True)
class Setup:
    """Pool, data, factory of runs and devices that all runs of a sweep share."""

    pool: Pool
    dataset: Learnable
    """Data on the first of the devices."""
    factory: RunFactory
    devices: tuple[str, ...]
    """Names of the devices to train on."""
    failures: Failures
    """Failures that the pool had before."""


def set_up(
    experiment: Experiment,
    folder: Path,
    devices: Sequence[torch.device],
    known: Learnable | None = None,
    *,
    try_models: bool = True,
) -> Setup:
    """Check names and arguments, read the data, and make the pool or open the one that is there.

    Args:
        experiment: what is trained.
        folder: of the pool.
        devices: to train on.
        known: the data, where they are read already.
        try_models: whether models of one's own are tried, which is done once, and not where one may end a process that
            others need.

    Raises:
        SpecError: an unknown data set, model, policy or strategy, an argument that it refuses, or a model of one's own
            that cannot be kept.
        ConfigError: a sweep that contradicts itself or the rest.
        TrainingError: an optimizer that cannot be used.
        DataError: the data cannot be read, or are fewer than a batch.
        PoolError: the folder holds a pool of another task.
        StorageError: the folder cannot be written.
    """
    factory = checked_factory(experiment, known)
    if try_models:
        _try_models(factory)
    pool = pool_of(factory.dataset, folder)
    factory = replace(factory, experiment=_as_begun(factory.experiment, pool))
    return Setup(pool, factory.dataset.to(devices[0]), factory, tuple(map(str, devices)), Failures.of(pool))


def _try_models(factory: RunFactory) -> None:
    """Try the models of one's own that the loop of this library trains; of others, what was trained is compared."""
    dataset = factory.dataset
    for model, settings in parts_of_space(factory.experiment):
        if isinstance(dataset, Dataset) and settings.function is None:
            check_own_model(model, dataset.shape, dataset.head(settings.form).outputs)


def checked_factory(experiment: Experiment, known: Learnable | None = None) -> RunFactory:
    """Factory of the runs of an experiment, all of whose names and arguments are checked. Raises as `set_up` does.

    Args:
        experiment: what to check.
        known: its data, where they are read already.
    """
    import_plugins(experiment.plugins)  # a worker process has not read the experiment's file
    check_source(experiment.data.source)
    check_space(with_placeholder(experiment))
    check_strategy(experiment.sweep.strategy)
    experiment = with_base(experiment)
    dataset = read(experiment.data, experiment.split, experiment.model) if known is None else known
    check_space(experiment, dataset)
    factory = RunFactory(experiment, dataset)
    STRATEGIES.call(experiment.sweep.strategy, factory)  # it refuses what it cannot train
    return factory


def _as_begun(experiment: Experiment, pool: Pool) -> Experiment:
    """Experiment that goes on as a pool of an earlier version was begun, when all members had the same seed.

    A derived seed is that of the experiment for no member, so one that has it was not trained with a seed of its own.
    """
    seed = experiment.train.seed
    recipes = [member.recipe or {} for member in pool.members(include_diverged=True)]
    as_before = any(recipe.get("train", {}).get("seed") == seed for recipe in recipes)
    sweep = experiment.sweep
    varied = any("train.seed" in space for space in (sweep.space, sweep.zip, *sweep.when.values()))
    if not as_before or varied or "seed" in sweep.model_fields_set:
        return experiment
    logger.warning(
        "the members of %s share seed %d, and this sweep goes on so; give sweep.seed = 'each' for a seed each",
        pool.folder,
        seed,
    )
    return experiment.model_copy(update={"sweep": sweep.model_copy(update={"seed": "shared"})})


def pool_of(dataset: Learnable, folder: Path) -> Pool:
    """Pool for members that learn a data set; made, or opened where it is there.

    Raises:
        PoolError: the folder holds a pool of another task.
        StorageError: the folder cannot be written.
    """
    truth = {split: dataset.truth_of(split) for split in SPLITS}
    return Pool.create(folder, task_of(dataset), truth, groups=_groups(dataset))


def task_of(dataset: Learnable) -> Task:
    """Task of pools whose members learn a data set."""
    truth = {split: dataset.truth_of(split) for split in SPLITS}
    rows = {split: dataset.rows[split].cpu().numpy() for split in SPLITS}
    return Task.of(dataset.name, dataset.target, rows=rows, labels=truth, groups=_groups(dataset), base=dataset.base)


def _groups(dataset: Learnable) -> dict[str, NDArray[Any]]:
    """Groups [sample] of the rows of splits whose rows are not independent."""
    found = {split: dataset.groups_of(split) for split in SPLITS}
    return {split: groups for split, groups in found.items() if groups is not None}
