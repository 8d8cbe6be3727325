"""How the runs of a sweep are executed: together in one program, in worker processes, or one by one.

The rule is fixed, so that the same command gives the same bits on the same machine. It looks at the device, the layers,
the work in a batch, the number of runs and the cores; what it chose is recorded with every member.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from lrensemble.data import Dataset
from lrensemble.errors import TrainingError
from lrensemble.pool import Pool
from lrensemble.train.fused.group import begun_groups
from lrensemble.train.fused.optimizers import shared_settings
from lrensemble.train.grouping import flops_of, group_size, largest_group, measured_group
from lrensemble.train.member import Run, state_folder

Execution = Literal["auto", "measure", "one-by-one", "fused", "workers"]
EXECUTIONS: tuple[str, ...] = get_args(Execution)

STEP_SECONDS = 5e-4
"""What a step of the smallest network takes on a CPU: the part that does not depend on its size."""

SECONDS_PER_OPERATION = 1 / 30e9
"""On one thread, of networks whose size decides; both are rough, and only orders of magnitude count here."""

WORTH_A_PROCESS = 5.0
"""Seconds of work for each worker below which starting it costs more than it saves."""


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
    jobs = list[Job]()
    for ids in begun_groups(pool):
        if pending.keys() & ids and known.keys() >= set(ids):
            jobs.append(Job("fused", tuple(known[id_] for id_ in ids)))
            pending = {id_: run for id_, run in pending.items() if id_ not in ids}
    kinds: dict[str | None, list[Run]] = {}
    for run in pending.values():
        kinds.setdefault(None if state_folder(pool, run.id).exists() else _kind(run), []).append(run)
    alone = kinds.pop(None, [])
    for kind in kinds.values():
        size = min(_size(kind, dataset, execution), at_most or len(kind))
        groups = [kind[start : start + size] for start in range(0, len(kind), size)]
        jobs += [Job("fused", tuple(group)) for group in groups if len(group) > 1]
        alone += [group[0] for group in groups if len(group) == 1]
    alone.sort(key=lambda run: run.order)
    if len(devices) > 1:
        return _spread([*jobs, *(Job("one-by-one", (run,)) for run in alone)], devices)
    return [*jobs, *_apart(alone, dataset, execution)]


def _spread(jobs: Sequence[Job], devices: Sequence[str]) -> list[Job]:
    """What can be done at once in a process for each device; then the rest."""
    parts = tuple(job for job in jobs if all(_is_independent(run) for run in job.runs))
    rest = [job for job in jobs if job not in parts]
    if not parts:
        return rest
    return [Job("workers", tuple(run for part in parts for run in part.runs), parts, tuple(devices)), *rest]


def _apart(runs: Sequence[Run], dataset: Dataset, execution: str) -> list[Job]:
    """Runs that are not trained together: in worker processes of one thread where that pays, else one by one."""
    each = [Job("one-by-one", (run,)) for run in runs]
    independent = [run for run in runs if _is_independent(run)]
    cores = min(os.cpu_count() or 1, len(independent))
    forced = execution == "workers" and independent
    pays = execution in ("auto", "measure") and cores > 1 and dataset.device.type == "cpu"
    if pays:
        pays = sum(_seconds(run, dataset) for run in independent) / cores > WORTH_A_PROCESS
    return _spread(each, (str(dataset.device),) * cores) if forced or pays else each


def _seconds(run: Run, dataset: Dataset) -> float:
    """Of a run on one thread, estimated by a fixed rule; a backward pass costs as much as two forward passes."""
    return run.policy.total * (STEP_SECONDS + 3 * flops_of(run, dataset) * SECONDS_PER_OPERATION)


def _is_independent(run: Run) -> bool:
    """Whether a run neither goes on from another nor is gone on from in the process that has it."""
    return run.successor is None and run.recipe.at_epoch is None


def _kind(run: Run) -> str | None:
    """What runs that are trained together have in common, as text; None for one that must be alone."""
    train, recipe = run.recipe.train, run.recipe
    shared = shared_settings(train)
    own_way = train.ema or train.accumulate > 1 or train.compile or train.precision == "float16"
    if shared is None or own_way or not _is_independent(run):
        return None
    same = (train.batch_size, train.clip_norm, train.precision, train.augment, train.decay_norms)
    return repr((str(recipe.model), run.policy.total, shared, *same))


def _size(kind: Sequence[Run], dataset: Dataset, execution: str) -> int:
    """Members of a group of that kind; 1 for each alone."""
    if execution in ("one-by-one", "workers") or len(kind) < 2:
        return 1
    rules = {"auto": group_size, "measure": measured_group, "fused": largest_group}
    return rules[execution](kind, dataset)
