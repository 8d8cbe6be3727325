"""A sweep: every recipe of an experiment becomes a member of the pool, once."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Collection, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

from lrensemble.config import Experiment
from lrensemble.errors import TrainingError
from lrensemble.files.claims import Claim, claim, tidy
from lrensemble.pool import Pool
from lrensemble.pool.processes import (
    OwnPresence,
    check_others,
    check_shared,
    expected,
    joined,
    processes_at_work,
    processes_in,
)
from lrensemble.spec import SpecLike
from lrensemble.train.execution.devices import check_devices, to_devices
from lrensemble.train.execution.events import Counted, Ended, Event, OtherShards, OutOfTime, Planned
from lrensemble.train.execution.execute import execute
from lrensemble.train.execution.executor_choice import ExecutorChoice, executor_choice
from lrensemble.train.execution.jobs import Job, check_execution, from_own_place, jobs_of
from lrensemble.train.execution.memory import kept_memory
from lrensemble.train.execution.other_processes import wait
from lrensemble.train.execution.room import check_room, padding_line
from lrensemble.train.execution.sharded import following, leading, require_language_model
from lrensemble.train.execution.signals import deferred_interrupt
from lrensemble.train.execution.thinning import Thinning
from lrensemble.train.loggers import LOGGERS, Logger, Loggers, ProgressFile
from lrensemble.train.progress_lines import FILE
from lrensemble.train.run.arithmetic.numerics import reproducibly
from lrensemble.train.run.own_loop.function import check_execution_of
from lrensemble.train.run.progress.claims import begun_groups, group_id
from lrensemble.train.run.runs import Elsewhere, Run, entries_of, is_there, unfinished
from lrensemble.train.run.session import Session, TimeUpError
from lrensemble.train.run.sharded.processes import Processes
from lrensemble.train.run.sharded.processes import joined as launched
from lrensemble.train.sweep.range_test import with_range_test_peaks
from lrensemble.train.sweep.run_factory import doubtful_steps, parts_of_space
from lrensemble.train.sweep.setup import Setup, set_up
from lrensemble.train.sweep.shard import Shard, check_dividable, part_of, read_shard
from lrensemble.train.sweep.strategies import STRATEGIES, Round

logger = logging.getLogger(__name__)

R = TypeVar("R")


def tune(
    experiment: Experiment,
    folder: Path | str,
    *,
    device: str = "cpu",
    save_steps: int | None = None,
    execution: str = "auto",
    group_size: int | None = None,
    reproducible: bool = False,
    hours: float | None = None,
    loggers: Sequence[SpecLike] = (),
    shard: str | None = None,
    executor: SpecLike | None = None,
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
        device: `cpu`, `cuda`, `cuda:1`, `mps`, or `auto` for a GPU of CUDA's where there is one; several with commas,
            or `gpus` for every GPU: a process for each. No part of a recipe.
        save_steps: how many steps lie between two savings of a run's state; as many as take half a minute unless given.
        execution: `one-by-one`, `fused` for many members in one program, `workers` for processes of one thread each,
            `auto` for a fixed rule, or `measure` to try; a run that was interrupted goes on as it began. `sharded` for
            adapters of a base that no device holds: one after another, each in all processes that `accelerate launch`
            has started; the first of them tells what happens, the others return no events.
        group_size: members trained in one program at most; what fits the device's memory unless given.
        reproducible: whether the same call gives the same bits on every machine of this kind, whatever its cores: one
            thread, each run alone (or in groups of `group_size`, where `execution` is `fused`), and none but
            deterministic algorithms of torch.
        hours: time from now on after which runs under way are saved and the events end, with `OutOfTime`; the same call
            goes on where it ended. As long as it takes unless given.
        loggers: who else is told what happens: `tensorboard`, `mlflow(uri='sqlite:///mlflow.db')`, `wandb`, or a
            function of your own; `progress.jsonl` in the pool always is. One that fails is one warning.
        shard: a fixed part of the runs, `1/8` to `8/8`, for those who divide a sweep themselves; others are not waited
            for, and `OtherShards` tells at the end which of them are missing. All runs unless given: any number of
            processes may train them in one folder, each run once.
        executor: who trains: `in_process`, `processes(workers=4)` or `ray(address='auto', gpus=1)`; the experiment's
            own unless given, and this process or worker processes by the rule of `execution` where it has none.

    Raises:
        LREnsembleError: a name, argument, device, data set or folder that cannot be used, before any training.
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP, after the step was finished and the state saved; while the events
            are read.
    """
    check_execution(execution, group_size, reproducible=reproducible)
    deadline = deadline_in(hours)
    specs = [LOGGERS.check(each) for each in loggers]
    processes = launched(device) if execution == "sharded" else None
    if processes is not None and not processes.leads:
        return following(experiment, processes)
    part = None if shard is None else read_shard(shard)
    if part is not None:
        check_dividable(experiment, part)
    devices = to_devices(device) if processes is None else (processes.device,)
    chosen = executor_choice(experiment, executor, devices, execution)
    setup = set_up(experiment, Path(folder), devices)
    for line in doubtful_steps(setup.factory):
        logger.warning("%s", line)
    if line := check_execution_of(experiment.train.function, execution):
        logger.warning("%s", line)
    check_devices(setup.devices, execution)
    shards = 1 if processes is None else require_language_model(setup.dataset, processes)
    room = check_room(parts_of_space(setup.factory.experiment), setup.dataset, torch.device(setup.devices[0]), shards)
    counted = [Counted(line) for line in (room, padding_line(experiment.train, setup.dataset)) if line is not None]
    others = processes_in(setup.pool.folder)
    check_shared(setup.pool.folder, several=bool(others) or part is not None or expected() > 1)
    check_others(setup.pool.folder, others, strict=reproducible)
    named: dict[str, Logger] = {FILE: ProgressFile(setup.pool, setup.factory.experiment)}
    named |= {f"logger {spec}": LOGGERS.call(spec, setup.pool) for spec in specs}
    options = _Options(save_steps, execution, group_size, reproducible, deadline, part, processes, chosen)
    return _sweep(setup, options, counted, Loggers(named))


def deadline_in(hours: float | None) -> float:
    """Time of `time.monotonic` in so many hours; infinite where none are given.

    Raises:
        TrainingError: no time at all.
    """
    if hours is None:
        return math.inf
    if not 0 < hours < math.inf:
        raise TrainingError(f"hours = {hours:g} is refused; give a number above 0, or leave it out for no limit")
    return time.monotonic() + 3600 * hours


@dataclass(frozen=True)
class _Options:
    """How a sweep is trained: what is no part of a recipe."""

    save_steps: int | None
    execution: str
    group_size: int | None
    reproducible: bool
    deadline: float
    """Time of `time.monotonic`."""
    shard: Shard | None
    processes: Processes | None
    """Those that train each member together; None where each is trained in one."""
    executor: ExecutorChoice


def _sweep(setup: Setup, options: _Options, counted: Sequence[Event], loggers: Loggers) -> Generator[Event, None, None]:
    """Train round after round, until the strategy has no more or the time is over; loggers are told first."""
    pool = setup.pool
    with (
        leading(options.processes),
        loggers,
        joined(pool.folder, None if options.shard is None else str(options.shard)) as presence,
        deferred_interrupt(options.deadline) as interrupt,
        kept_memory(),
    ):
        yield from map(loggers.noted, counted)
        check_others(pool.folder, processes_in(pool.folder), ahead=presence.ahead, strict=options.reproducible)
        with reproducibly(options.reproducible):
            factory = with_range_test_peaks(setup.factory, setup.dataset, pool.folder)
        thinning, not_ours = Thinning(pool, factory), list[Run]()
        for whole in STRATEGIES.call(factory.experiment.sweep.strategy, factory)(pool):
            round_ = whole if options.shard is None else part_of(whole, options.shard)
            not_ours += [run for run in whole.runs if run not in round_.runs]
            session = Session(
                interrupt,
                options.save_steps,
                round_.should_continue,
                executor=options.executor.executor,
                execution="one-by-one" if options.processes is None else "sharded",
                processes=options.processes,
                reproducible=options.reproducible,
            )
            try:
                with closing(_train(round_, setup, session, options, presence)) as events:
                    for event in events:
                        thinning.note(event)
                        presence.beat()
                        yield loggers.noted(event)
            except TimeUpError:
                missing = tuple(run for run in round_.runs if not is_there(run, pool, round_.should_continue))
                if missing:
                    yield loggers.noted(OutOfTime(missing, round_.remaining))
                    return
        if options.shard is not None:
            failed = {failure.id for failure in pool.failures()}
            missing = tuple(run for run in not_ours if run.id not in pool and run.id not in failed)
            yield loggers.noted(OtherShards(missing))


def _train(
    round_: Round, setup: Setup, session: Session, options: _Options, presence: OwnPresence
) -> Generator[Event, None, None]:
    """Train the runs of a round; those that other processes have are waited for, and trained where they are left."""
    pool, failures, interrupt = setup.pool, setup.failures, session.interrupt
    runs, should_continue, reported = round_.runs, round_.should_continue, set[str]()
    while runs:
        there = {run.id for run in runs if is_there(run, pool, should_continue)}
        processes = 1 if options.shard else processes_at_work(pool.folder, first=runs is round_.runs)
        jobs = jobs_of(
            runs,
            setup.dataset,
            pool,
            options.execution,
            there=there,
            beside=round_.runs,
            max_group_size=options.group_size,
            devices=setup.devices,
            reproducible=session.reproducible,
            processes=processes,
            executor_devices=options.executor.devices,
        )
        if runs is round_.runs:
            yield Planned(pool, runs, tuple(jobs), round_.remaining)
        yield from _once(_those_there(runs, jobs, there, pool), reported)
        waiting = list[Elsewhere]()
        for job in from_own_place(jobs, processes):
            if interrupt.pending:
                raise interrupt.error()
            with closing(execute(job, setup, session)) as events:
                for event in events:
                    if _is_news(event, reported):
                        yield event
                        waiting += [event] if isinstance(event, Elsewhere) else []
        if interrupt.pending:
            raise interrupt.error()
        runs = yield from _once(wait(waiting, failures, should_continue, interrupt, presence.beat), reported)


def _once(events: Generator[Event, None, R], reported: set[str]) -> Generator[Event, None, R]:
    """Those of the events that are news."""
    while True:
        try:
            event = next(events)
        except StopIteration as end:
            found: R = end.value
            return found
        if _is_news(event, reported):
            yield event


def _is_news(event: Event, reported: set[str]) -> bool:
    """Whether an event is not on a run whose ending was reported: a group that was begun is gone on with as a whole,
    when another process that died has added some of its members. Runs that have ended are added to `reported`.
    """
    if isinstance(event, Ended) and event.run.id not in reported:
        reported.add(event.run.id)
        return True
    return not isinstance(event, Ended) and not (isinstance(event, Elsewhere) and event.run.id in reported)


def _those_there(
    runs: Sequence[Run], jobs: Sequence[Job], there: Collection[str], pool: Pool
) -> Generator[Event, None, None]:
    """The runs that no job will do, since the pool has them."""
    to_do = {run.id for job in jobs for run in job.runs}
    for run in runs:
        if run.id not in to_do or run.id in pool:  # of a group that was killed while its members were added
            _clear(pool, run.id)
        if run.id not in to_do:
            yield Ended(run, "exists")
    wanted = {group_id(ids) for ids in begun_groups(pool) if not all(id_ in pool or id_ in there for id_ in ids)}
    for path in entries_of(unfinished(pool)):
        if path.name.startswith("group-") and path.name not in wanted:
            _clear(pool, path.name)
    tidy(unfinished(pool))


def _clear(pool: Pool, name: str) -> None:
    """Remove what a kill at the very end has left, unless another process is at work there."""
    if (unfinished(pool) / name).exists() and isinstance(mine := claim(unfinished(pool), name), Claim):
        mine.finish()
