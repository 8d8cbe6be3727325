"""Jobs that execute the runs of a sweep: together in one program, in workers of an executor, or one by one.

The rule is fixed, so that the same command gives the same bits on the same machine: it weighs the `costs` of a step in
each execution, the number of runs and the cores. What it chose is recorded with every member.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from lrensemble.config import Recipe
from lrensemble.data import Learnable
from lrensemble.environment import cores
from lrensemble.errors import LREnsembleError, TrainingError
from lrensemble.files import this_process
from lrensemble.here import is_here
from lrensemble.models import MODELS
from lrensemble.pool import Pool
from lrensemble.registry import paths_in
from lrensemble.train.execution.costs import (
    Costs,
    StepCost,
    alone_in_either,
    estimated_costs,
    fixed_groups,
    force_fused,
    force_one_by_one,
    force_workers,
    measured_costs,
)
from lrensemble.train.execution.memory import free
from lrensemble.train.run.fused.optimizers import shared_settings
from lrensemble.train.run.progress.claims import begun_groups, steps_done
from lrensemble.train.run.runs import Run, state_of

logger = logging.getLogger(__name__)

CostRule = Callable[[Sequence[Run], Learnable], Costs]
"""Function of runs of one kind and their data to what a step of them costs."""

COST_RULES: dict[str, CostRule] = {
    "auto": estimated_costs,
    "measure": measured_costs,
    "one-by-one": force_one_by_one,
    "fused": force_fused,
    "workers": force_workers,
    "sharded": force_one_by_one,
}
"""Rules by the name of an execution; the last four force it."""

EXECUTIONS = tuple(COST_RULES)

START_SECONDS = 2.5
"""Seconds until worker processes are ready."""


@dataclass(frozen=True)
class Job:
    """Runs that are executed in the same way: one alone, one group, or all that the workers of an executor share."""

    execution: Literal["one-by-one", "fused", "workers"]
    runs: tuple[Run, ...]
    parts: tuple[Job, ...] = ()
    """Jobs that workers take, each as a whole; none unless `workers`."""
    devices: tuple[str, ...] = ()
    """Device of each worker; none unless `workers`."""


@dataclass(frozen=True)
class _SimilarRuns:
    """Runs whose steps cost the same, and which are stacked if their costs have a group size above 1."""

    runs: tuple[Run, ...]
    costs: Costs
    steps: int
    """Steps that all of them together have still to do."""


def check_execution(execution: str, max_group_size: int | None, *, reproducible: bool = False) -> None:
    """Refuse an unknown execution, groups of no members, and groups as large as the memory where it must not matter.

    Raises:
        TrainingError: no such execution, no such size, or none given.
    """
    if execution not in EXECUTIONS:
        raise TrainingError(f"no execution named {execution!r}; choose from {', '.join(EXECUTIONS)}")
    if max_group_size is not None and max_group_size < 1:
        raise TrainingError(f"group_size = {max_group_size} is refused; at least 1")
    if reproducible and execution == "sharded":
        raise TrainingError("execution sharded is not reproducible: sums go over processes; choose one of the two")
    if reproducible and execution == "fused" and max_group_size is None:
        raise TrainingError(
            "reproducible groups need a size, or the memory would decide it: give group_size (--group-size), or train "
            "without execution fused"
        )


def refuse_sharded(execution: str) -> None:
    """Refuse several processes where more is to be done than train.

    Raises:
        TrainingError: with what to do.
    """
    if execution == "sharded":
        raise TrainingError(
            "execution sharded trains and does no more, since all its processes would do it; give it to tune, and then "
            "select and evaluate in one process"
        )


def rule_of(execution: str, max_group_size: int | None, *, reproducible: bool) -> CostRule:
    """Rule of an execution. Reproducible runs are trained alone, where they are faster, or in groups of one size."""
    if not reproducible or execution in ("one-by-one", "workers", "sharded"):
        return COST_RULES[execution]
    return fixed_groups(max_group_size or 1) if execution == "fused" else alone_in_either


def jobs_of(
    runs: Sequence[Run],
    dataset: Learnable,
    pool: Pool,
    execution: str,
    *,
    there: Collection[str] = (),
    beside: Sequence[Run] = (),
    max_group_size: int | None = None,
    devices: Sequence[str] = ("cpu",),
    reproducible: bool = False,
    processes: int = 1,
    executor_devices: Sequence[str] | None = None,
) -> list[Job]:
    """Jobs that execute the runs that the pool does not have yet.

    A run or a group that was interrupted goes on in the execution in which it began.

    Args:
        runs: runs that do not depend on one another.
        dataset: their data, on the first device.
        pool: the pool, which may have some of their members or states.
        execution: one of `EXECUTIONS`.
        there: ids of runs whose members the pool has under other ids, as those that were pruned.
        beside: further runs, which may be of groups that were begun: those that ended just now, say.
        max_group_size: members of a group at most; as many as the rule finds unless given.
        devices: the devices to train on; where there are several, a process for each.
        reproducible: whether neither cores nor memory nor the number of devices may decide who is trained with whom;
            nor may `processes`.
        processes: that train in the pool at once, for each of which there is to be a group, this one among them.
        executor_devices: device of each place of the executor that was asked for, none where all is trained in this
            process; the rule chooses between this process and worker processes unless given.
    """
    processes = 1 if reproducible else processes
    known, pending = (
        {run.id: run for run in (*beside, *runs)},
        {run.id: run for run in runs if run.id not in pool and run.id not in there},
    )
    begun = list[Job]()
    for ids in begun_groups(pool) if pending and dataset.device.type != "mps" else ():
        if pending.keys() & ids and known.keys() >= set(ids):
            begun.append(Job("fused", tuple(known[id_] for id_ in ids)))
            pending = {id_: run for id_, run in pending.items() if id_ not in ids}
    rule = rule_of(execution, max_group_size, reproducible=reproducible)
    similar = _similar_runs(list(pending.values()), dataset, pool, rule)
    in_process = [each.costs.in_process for each in similar]
    if executor_devices == () or any(needs_this_process(run.recipe) for run in runs):
        return [*begun, *_grouped(similar, in_process, max_group_size, processes)]
    if executor_devices is not None:
        parts = 1 if reproducible else processes * len(executor_devices)
        in_place = [each.costs.in_place for each in similar]
        return _distribute([*begun, *_grouped(similar, in_place, max_group_size, parts)], executor_devices)
    if len(devices) > 1:
        parts = 1 if reproducible else processes * len(devices)
        return _distribute([*begun, *_grouped(similar, in_process, max_group_size, parts)], devices)
    workers = min(cores(), len(begun) + sum(len(each.runs) for each in similar))
    # In this process a group is begun when another has ended; on one GPU they go on one after the other.
    began_in_workers = len(begun) > 1 and dataset.device.type == "cpu"
    if workers and (began_in_workers or _workers_are_faster(similar, workers, processes)):
        in_worker = [each.costs.in_worker for each in similar]
        jobs = [*begun, *_grouped(similar, in_worker, max_group_size, workers * processes)]
        return _distribute(jobs, (str(dataset.device),) * workers)
    return [*begun, *_grouped(similar, in_process, max_group_size, processes)]


def _workers_are_faster(similar: Sequence[_SimilarRuns], workers: int, processes: int) -> bool:
    """Whether so many worker processes of one thread end a part of the runs sooner than this process; each of the
    processes that train in the pool has such a part.
    """
    in_workers = sum(each.steps * each.costs.in_worker.seconds for each in similar) / workers
    in_process = sum(each.steps * each.costs.in_process.seconds for each in similar)
    return START_SECONDS + in_workers / processes < in_process / processes


def _similar_runs(runs: Sequence[Run], dataset: Learnable, pool: Pool, rule: CostRule) -> list[_SimilarRuns]:
    """The runs divided into similar ones, in the order of the first of each."""
    by_key: dict[tuple[object, ...], list[Run]] = {}
    for run in runs:
        train = run.recipe.train
        shared = None if state_of(pool, run.id) else _shared_settings(run)
        size = (str(run.recipe.model), train.batch_size, train.precision, run.policy.total)
        by_key.setdefault((*size, _is_independent(run), shared), []).append(run)
    return [
        _SimilarRuns(tuple(each), _costs(rule, each[: None if shared else 1], dataset), _steps_left(each, pool))
        for (*_, shared), each in by_key.items()
    ]


def _steps_left(runs: Sequence[Run], pool: Pool) -> int:
    """Steps that runs have still to do: parts of chains go on from where others ended."""
    return sum(run.policy.total - (0 if _is_independent(run) else steps_done(pool, run.id)) for run in runs)


def _costs(rule: CostRule, runs: Sequence[Run], dataset: Learnable) -> Costs:
    """Costs of runs of one kind; those whose network fails in the measurement are trained alone, where they fail.

    Raises:
        LREnsembleError: an argument that every run of the kind would be refused for.
    """
    if runs[0].recipe.train.function is not None:  # nobody knows what a step of it costs, or how many processes it has
        rule = rule if rule is force_workers else force_one_by_one
    try:
        return rule(runs, dataset)
    except LREnsembleError:
        raise
    except Exception as error:  # whatever a network of the user's raises
        failed = f"{type(error).__name__}: {error}"
    logger.info("%s cannot be measured (%s); its runs are trained one by one", runs[0].name, failed)
    free()
    return force_one_by_one(runs, dataset)


def _shared_settings(run: Run) -> str | None:
    """Settings that all runs of a group have in common, beside their costs; None for a run that must be alone."""
    train = run.recipe.train
    in_parts = train.accumulate > 1 and not MODELS.facts(run.recipe.model).sequences
    alone = train.ema or in_parts or train.precision == "float16" or train.function
    shared = shared_settings(train)
    if shared is None or alone or not _is_independent(run):
        return None
    lesson = (train.form, train.loss, train.sampler, train.drop_last, train.augment, train.accumulate)
    return repr((shared, train.clip_norm, train.decay_norms, train.compile, train.group, lesson))


def _is_independent(run: Run) -> bool:
    """Whether a run neither goes on from another nor is gone on from in the process that has it."""
    return run.successor is None and run.recipe.at_epoch is None


def needs_this_process(recipe: Recipe) -> bool:
    """Whether a recipe names an object of this process, so that no other process can train it."""
    own = [recipe.train.function] if recipe.train.function else []
    specs = (recipe.data, recipe.model, recipe.policy, *own)
    return any(is_here(path) for spec in specs for path in paths_in(spec))


def _grouped(
    similar: Sequence[_SimilarRuns], costs: Sequence[StepCost], max_group_size: int | None, processes: int = 1
) -> list[Job]:
    """Groups of similar runs, small enough to give every process one; then, in their order, the runs that are alone."""
    jobs, alone = list[Job](), list[Run]()
    for each, cost in zip(similar, costs, strict=True):
        size = min(cost.group_size, max_group_size or cost.group_size, math.ceil(len(each.runs) / processes))
        groups = [each.runs[start : start + size] for start in range(0, len(each.runs), size)]
        jobs += [Job("fused", group) for group in groups if len(group) > 1]
        alone += [run for group in groups if len(group) == 1 for run in group]
    return [*jobs, *(Job("one-by-one", (run,)) for run in sorted(alone, key=lambda run: run.order))]


def from_own_place(jobs: Sequence[Job], processes: int) -> list[Job]:
    """Jobs in their order; where several processes are at work, from a place on that is this process's own, so that
    they do not ask for the same claims one after another.
    """
    if processes == 1 or not jobs:
        return list(jobs)
    place = int(hashlib.sha256(str(this_process()).encode()).hexdigest(), 16) % len(jobs)
    return [*jobs[place:], *jobs[:place]]


def _distribute(jobs: Sequence[Job], devices: Sequence[str]) -> list[Job]:
    """One job for worker processes, one on each device; none where there is nothing to do."""
    runs = tuple(run for job in jobs for run in job.runs)
    return [Job("workers", runs, tuple(jobs), tuple(devices))] if jobs else []
