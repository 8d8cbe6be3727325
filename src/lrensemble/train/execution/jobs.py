"""How the runs of a sweep are executed: together in one program, in worker processes, or one by one.

The rule is fixed, so that the same command gives the same bits on the same machine: by the `costs` of a step in each
way, the number of runs and the cores. What it chose is recorded with every member.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from lrensemble.data import Dataset
from lrensemble.errors import LREnsembleError, TrainingError
from lrensemble.pool import Pool
from lrensemble.train.execution.costs import Costs, Way, alone_apart, alone_here, largest_here, measured, ruled
from lrensemble.train.execution.devices import cores
from lrensemble.train.execution.memory import free
from lrensemble.train.run.claims import begun_groups
from lrensemble.train.run.fused.optimizers import shared_settings
from lrensemble.train.run.runs import Run, state_of

logger = logging.getLogger(__name__)

COSTS: dict[str, Callable[[Sequence[Run], Dataset], Costs]] = {
    "auto": ruled,
    "measure": measured,
    "one-by-one": alone_here,
    "fused": largest_here,
    "workers": alone_apart,
}
"""By the name of an execution, what runs of one kind cost; the last three say which way is wanted."""

EXECUTIONS = tuple(COSTS)

START_SECONDS = 2.5
"""What it takes until worker processes are ready."""


@dataclass(frozen=True)
class Job:
    """Runs that are executed in one way."""

    way: Literal["one-by-one", "fused", "workers"]
    runs: tuple[Run, ...]
    """Of `fused`, those of one group."""
    parts: tuple[Job, ...] = ()
    """Of `workers`, what a process takes as a whole, one part after another."""
    devices: tuple[str, ...] = ()
    """Of `workers`, where each process computes."""


@dataclass(frozen=True)
class _Kind:
    """Runs that cost the same, by one of them or, where they can be trained together, by all."""

    runs: tuple[Run, ...]
    costs: Costs

    @property
    def steps(self) -> int:
        return sum(run.policy.total for run in self.runs)


def check_execution(execution: str, at_most: int | None) -> None:
    """Refuse an unknown way, and groups of no members.

    Raises:
        TrainingError: no such way, or no such size.
    """
    if execution not in EXECUTIONS:
        raise TrainingError(f"no execution named {execution!r}; choose from {', '.join(EXECUTIONS)}")
    if at_most is not None and at_most < 1:
        raise TrainingError(f"group_size = {at_most} is refused; at least 1")


def jobs_of(
    runs: Sequence[Run],
    dataset: Dataset,
    pool: Pool,
    execution: str,
    *,
    at_most: int | None = None,
    devices: Sequence[str] = ("cpu",),
) -> list[Job]:
    """How the runs that the pool does not have yet are executed, in the order of the runs.

    A run or a group that was interrupted goes on in the way that it began.

    Args:
        runs: that do not depend on one another.
        dataset: on the first device.
        pool: that has some of them, or their states.
        execution: one of `EXECUTIONS`.
        at_most: members of a group; as many as the rule finds unless given.
        devices: to train on; where there are several, a process for each.
    """
    known, pending = {run.id: run for run in runs}, {run.id: run for run in runs if run.id not in pool}
    begun = list[Job]()
    for ids in begun_groups(pool) if pending and dataset.device.type != "mps" else ():
        if pending.keys() & ids and known.keys() >= set(ids):
            begun.append(Job("fused", tuple(known[id_] for id_ in ids)))
            pending = {id_: run for id_, run in pending.items() if id_ not in ids}
    kinds = _kinds(list(pending.values()), dataset, pool, COSTS[execution])
    here, apart = [kind.costs.here for kind in kinds], [kind.costs.apart for kind in kinds]
    if len(devices) > 1:
        return _spread([*begun, *_in_groups(kinds, here, at_most, len(devices))], devices)
    free = [kind for kind in kinds if _is_independent(kind.runs[0])]
    workers = min(cores(), len(begun) + sum(len(kind.runs) for kind in free))
    # In this process a group is begun when another has ended; on one GPU they go on one after the other.
    began_in_workers = len(begun) > 1 and dataset.device.type == "cpu"
    if workers and (began_in_workers or _workers_pay(free, workers)):
        parts = [*begun, *_in_groups(kinds, apart, at_most, workers)]
        return _spread(parts, (str(dataset.device),) * workers)
    return [*begun, *_in_groups(kinds, here, at_most)]


def _workers_pay(kinds: Sequence[_Kind], workers: int) -> bool:
    """Whether so many processes of one thread end sooner than this process."""
    apart = sum(kind.steps * kind.costs.apart.seconds for kind in kinds) / workers
    return START_SECONDS + apart < sum(kind.steps * kind.costs.here.seconds for kind in kinds)


def _kinds(
    runs: Sequence[Run], dataset: Dataset, pool: Pool, cost: Callable[[Sequence[Run], Dataset], Costs]
) -> list[_Kind]:
    """The runs by kind, in the order of the first of each."""
    alike: dict[tuple[object, ...], list[Run]] = {}
    for run in runs:
        train = run.recipe.train
        shared = None if state_of(pool, run.id) else _shared(run)
        size = (str(run.recipe.model), train.batch_size, train.precision, run.policy.total)
        alike.setdefault((*size, _is_independent(run), shared), []).append(run)
    return [
        _Kind(tuple(each), _cost(cost, each[: None if shared else 1], dataset)) for (*_, shared), each in alike.items()
    ]


def _cost(cost: Callable[[Sequence[Run], Dataset], Costs], runs: Sequence[Run], dataset: Dataset) -> Costs:
    """What runs of one kind cost; runs of a network that fails when it is looked at are trained alone, where they fail.

    Raises:
        LREnsembleError: an argument that every run of the kind would be refused for.
    """
    try:
        return cost(runs, dataset)
    except LREnsembleError:
        raise
    except Exception as error:  # whatever a network of the user's raises
        failed = f"{type(error).__name__}: {error}"
    logger.info("%s cannot be measured (%s); its runs are trained one by one", runs[0].name, failed)
    free()
    return alone_here(runs, dataset)


def _shared(run: Run) -> str | None:
    """What runs must have in common to be trained together, beside what they cost; None for one that must be alone."""
    train = run.recipe.train
    own_way = train.ema or train.accumulate > 1 or train.precision == "float16"
    shared = shared_settings(train)
    if shared is None or own_way or not _is_independent(run):
        return None
    return repr((shared, train.clip_norm, train.augment, train.decay_norms, train.compile))


def _is_independent(run: Run) -> bool:
    """Whether a run neither goes on from another nor is gone on from in the process that has it."""
    return run.successor is None and run.recipe.at_epoch is None


def _in_groups(kinds: Sequence[_Kind], ways: Sequence[Way], at_most: int | None, processes: int = 1) -> list[Job]:
    """Groups of each kind, small enough to give every process one; then, in their order, the runs that are alone."""
    jobs, alone = list[Job](), list[Run]()
    for kind, way in zip(kinds, ways, strict=True):
        size = min(way.size, at_most or way.size, math.ceil(len(kind.runs) / processes))
        groups = [kind.runs[start : start + size] for start in range(0, len(kind.runs), size)]
        jobs += [Job("fused", group) for group in groups if len(group) > 1]
        alone += [run for group in groups if len(group) == 1 for run in group]
    return [*jobs, *(Job("one-by-one", (run,)) for run in sorted(alone, key=lambda run: run.order))]


def _spread(jobs: Sequence[Job], devices: Sequence[str]) -> list[Job]:
    """What can be done at once in a process for each device; then the rest."""
    parts = tuple(job for job in jobs if all(_is_independent(run) for run in job.runs))
    rest = [job for job in jobs if job not in parts]
    if not parts:
        return rest
    return [Job("workers", tuple(run for part in parts for run in part.runs), parts, tuple(devices)), *rest]
