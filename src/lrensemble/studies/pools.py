"""Pools of a study: trained one after another at equal cost, or found where they were made."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lrensemble.config import Experiment
from lrensemble.config.study_file import Study
from lrensemble.pool import Pool
from lrensemble.studies.begun import write_begun
from lrensemble.studies.part import seeds_of_one_recipe
from lrensemble.studies.plans import checked_plans
from lrensemble.train import Began, Event, tune

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

Train = Callable[[Experiment, Path], Generator[Event, None, None]]
"""Sweep of an experiment into the folder of a pool."""

Pools = dict[str, tuple[Pool, ...]]
"""Pools by name in the order of the file, the first replicate first."""


def train_pools(study: Study, out: Path, train: Train = tune) -> Generator[StudyEvent, None, Pools]:
    """Train what the pools of a study do not have yet, replicate by replicate, and tell what happens as it happens.

    All is checked when the function is called; training goes on while the events are read. What is there stays, so that
    the same call goes on after any interruption; several processes may share the folder.

    Args:
        study: the study.
        out: folder of its pools.
        train: `tune`, or the same with some of its options.

    Returns:
        The pools, also those that were made elsewhere.

    Raises:
        ConfigError: pools of unequal cost, over other rows, or begun from another file.
        LREnsembleError: what `tune` raises before any training.
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP, after the state was saved; while the events are read.
    """
    elsewhere = {
        name: tuple(map(Pool.open, folders)) for name in study.settings.pools if (folders := study.folders(name))
    }
    plans = checked_plans(study, out / POOLS, elsewhere)
    return _trained(study, out, tuple(plans), elsewhere, train)


def _trained(
    study: Study,
    out: Path,
    names: Sequence[str],
    elsewhere: Pools,
    train: Train,
) -> Generator[StudyEvent, None, Pools]:
    """Train the pools of some names, replicate by replicate."""
    places = [(replicate, name) for replicate in range(study.settings.replicates) for name in names]
    budget = study.settings.budget
    for place, (replicate, name) in enumerate(places, start=1):
        folder = folder_of(out, name, study.seed(replicate))
        write_begun(study, name, out / POOLS)
        yield PoolBegins(name, study.seed(replicate), folder, place, len(places))
        events = train(study.experiment(name, replicate), folder)
        yield from _within_budget(events, folder, budget.seconds if budget else None)
    wholes = {name: pool.from_ or name for name, pool in study.settings.pools.items()}
    there = [name for name, whole in wholes.items() if whole in names or whole in elsewhere]
    return {name: elsewhere.get(name) or _pools_of(study, out, name) for name in there}


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
