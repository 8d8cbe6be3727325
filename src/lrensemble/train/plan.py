"""From an experiment to the runs of its grid: everything that can be checked is checked before any training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lrensemble import models
from lrensemble.config import Experiment, Recipe
from lrensemble.data import SOURCES, Dataset, load, steps_per_epoch
from lrensemble.policies import POLICIES, build
from lrensemble.pool import Pool, Task
from lrensemble.train.devices import to_device
from lrensemble.train.member import Run
from lrensemble.train.optimizers import check_optimizer


@dataclass(frozen=True)
class Plan:
    """The runs of an experiment, the data they share, and the pool they fill."""

    pool: Pool
    dataset: Dataset
    """On the device to train on."""
    runs: tuple[Run, ...]


def plan(experiment: Experiment, folder: Path, device: str) -> Plan:
    """Check names and arguments, read the data, build the policies, and make the pool or open the one that is there.

    Raises:
        SpecError: an unknown data set, model or policy, or an argument that it refuses.
        TrainingError: an optimizer or a device that cannot be used.
        DataError: the data cannot be read, or are fewer than a batch.
        PoolError: the folder holds a pool of another task.
        StorageError: the folder cannot be written.
    """
    SOURCES.check(experiment.data.source)
    models.check(experiment.model)
    for spec in experiment.policy:
        POLICIES.check(spec)
    check_optimizer(experiment.train)
    place = to_device(device)
    dataset = load(experiment.data, experiment.split)
    runs = tuple(_run(order, experiment, dataset) for order in range(len(experiment.policy)))
    labels = {split: dataset.labels[dataset.rows[split]].numpy() for split in ("val", "test")}
    rows = {split: dataset.rows[split].numpy() for split in ("val", "test")}
    pool = Pool.create(folder, Task.of(dataset.name, dataset.classes, rows=rows, labels=labels), labels)
    return Plan(pool, dataset.to(place), runs)


def _run(order: int, experiment: Experiment, dataset: Dataset) -> Run:
    settings = experiment.train
    steps = settings.epochs * steps_per_epoch(len(dataset.rows["train"]), settings.batch_size)
    policy = build(experiment.policy[order], steps)
    recipe = Recipe(
        data=experiment.data.source,
        fingerprint=dataset.fingerprint,
        split=experiment.split,
        model=experiment.model,
        policy=policy.spec,
        train=settings,
    )
    return Run(order, recipe, policy)
