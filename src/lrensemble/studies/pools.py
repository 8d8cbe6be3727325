"""Pools of a study: trained one after another at equal cost, or found where they were made."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lrensemble.config.study_file import Study
from lrensemble.data import load
from lrensemble.errors import ConfigError, LREnsembleError
from lrensemble.pool import Pool
from lrensemble.studies.begun import check_as_begun, write_begun
from lrensemble.studies.part import seeds_of_one_recipe
from lrensemble.train import Began, Event, tune
from lrensemble.train.sweep.plan import Plan, planned

POOLS = "pools"
"""Folder of a study's pools: `pools/NAME/SEED`."""


@dataclass(frozen=True)
class PoolBegins:
    """A pool of a study begins, or goes on; the events that follow are of its sweep."""

    name: str
    seed: int
    """Its base seed, which is that of its replicate."""
    folder: Path
    place: int
    """Number of the pool among all that are trained, from 1."""
    count: int
    """Number of pools that are trained, those of all replicates together."""


StudyEvent = PoolBegins | Event

Pools = dict[str, tuple[Pool, ...]]
"""Pools by name in the order of the file, the first replicate first."""


def plan_of(study: Study) -> dict[str, Plan]:
    """Plan of every pool that is trained; all of them cost the same.

    Raises:
        ConfigError: a pool that costs something else than the budget, or than the first pool where there is none.
        LREnsembleError: what the sweep of a pool would raise before any training.
    """
    plans, dataset = dict[str, Plan](), None
    for name in study.trained:
        experiment = study.experiment(name, 0)
        try:
            dataset = dataset or load(experiment.data, experiment.split)
            plans[name] = planned(experiment, dataset)
        except LREnsembleError as error:
            raise type(error)(f"{study.source}: pools.{name}: {error}") from None
    budget = study.settings.budget
    if budget is None or budget.epochs is not None:
        _check_equal(study, plans, budget.epochs if budget else None)
    return plans


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


def train_pools(
    study: Study,
    out: Path,
    *,
    device: str = "cpu",
    save_steps: int | None = None,
    execution: str = "auto",
    group_size: int | None = None,
) -> Generator[StudyEvent, None, Pools]:
    """Train what the pools of a study do not have yet, replicate by replicate, and tell what happens as it happens.

    What is there stays, so that the same call goes on after any interruption; several processes may share the folder.

    Args:
        study: the study.
        out: folder of its pools.
        device: as in `tune`, like all that follows.
        save_steps: steps between two savings of a run's state.
        execution: how many runs are executed at once.
        group_size: members in one program at most.

    Returns:
        The pools, also those that were made elsewhere.

    Raises:
        ConfigError: pools of unequal cost, or pools that were begun from another file.
        LREnsembleError: what `tune` raises.
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP, after the state was saved.
    """
    plan_of(study)
    budget = study.settings.budget
    elsewhere = {
        name: tuple(map(Pool.open, folders)) for name in study.settings.pools if (folders := study.folders(name))
    }
    check_as_begun(study, out / POOLS)
    places = [(replicate, name) for replicate in range(study.settings.replicates) for name in study.trained]
    for place, (replicate, name) in enumerate(places, start=1):
        seed = study.seed(replicate)
        folder = folder_of(out, name, seed)
        write_begun(study, name, out / POOLS)
        yield PoolBegins(name, seed, folder, place, len(places))
        events = tune(
            study.experiment(name, replicate),
            folder,
            device=device,
            save_steps=save_steps,
            execution=execution,
            group_size=group_size,
        )
        yield from _within_budget(events, folder, budget.seconds if budget else None)
    return {name: elsewhere.get(name) or _pools_of(study, out, name) for name in study.settings.pools}


def folder_of(out: Path, name: str, seed: int) -> Path:
    """Folder of a pool with a base seed."""
    return out / POOLS / name / str(seed)


def _within_budget(
    events: Generator[Event, None, None], folder: Path, seconds: float | None
) -> Generator[Event, None, None]:
    """Events of a sweep that ends with the run, or the runs in one program, that has used up the seconds."""
    with closing(events):
        for event in events:
            if seconds is not None and isinstance(event, Began) and _seconds(folder) >= seconds:
                return
            yield event


def _seconds(folder: Path) -> float:
    """Seconds of training of all members of a pool."""
    return sum(member.seconds or 0.0 for member in Pool.open(folder).members(include_diverged=True))


def _pools_of(study: Study, out: Path, name: str) -> tuple[Pool, ...]:
    """A pool in all of its replicates, made from the one that it is a part of where it is one."""
    whole = study.settings.pools[name].from_
    if whole is None:
        return tuple(Pool.open(folder_of(out, name, study.seed(each))) for each in range(study.settings.replicates))
    sources = [Path(path) for path in study.folders(whole)] or [
        folder_of(out, whole, study.seed(each)) for each in range(study.settings.replicates)
    ]
    return tuple(
        seeds_of_one_recipe(Pool.open(source), folder_of(out, name, study.seed(each)))
        for each, source in enumerate(sources)
    )
