"""Do the jobs of a sweep, each in its way, and tell what happens."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from pathlib import Path

from lrensemble.config import Experiment
from lrensemble.errors import LREnsembleError, TrainingError
from lrensemble.executors import Crashed, in_processes
from lrensemble.files import discard
from lrensemble.pool import Failure, Pool
from lrensemble.train.engine import Step
from lrensemble.train.events import Began, Ended, Event
from lrensemble.train.execution import Job
from lrensemble.train.fused.group import group_id, train_group
from lrensemble.train.interrupt import Interrupt, deferred_interrupt
from lrensemble.train.member import Run, Watch, train_member
from lrensemble.train.memory import kept_memory
from lrensemble.train.plan import Plan, plan
from lrensemble.train.room import free, is_out_of_memory

logger = logging.getLogger(__name__)

WORKER_ATTEMPTS = 2
"""How often a run is begun before the death of its worker process is recorded as its failure."""


def do(
    job: Job,
    planned: Plan,
    interrupt: Interrupt,
    save_steps: int | None,
    watch: Watch | None,
    execution: str = "one by one",
) -> Generator[Event, None, None]:
    """Train the runs of a job; `execution` is what is recorded of those that are trained alone."""
    if job.way == "fused":
        yield from _together(job.runs, planned, interrupt, save_steps)
    elif job.way == "workers":
        yield from _in_workers(job, planned, interrupt, save_steps)
    else:
        for run in job.runs:
            yield Began(run)
            yield from _alone(run, planned, interrupt, save_steps, watch, execution)


def _together(
    runs: Sequence[Run], planned: Plan, interrupt: Interrupt, save_steps: int | None
) -> Generator[Event, None, None]:
    """Train a group in one program; one that does not fit the memory in two halves."""
    for run in runs:
        yield Began(run)
    failed = ""
    try:
        records = yield from train_group(runs, planned.dataset, planned.pool, interrupt, save_steps=save_steps)
    except LREnsembleError:
        raise
    except Exception as error:
        too_large, failed = is_out_of_memory(error), " ".join(f"{type(error).__name__}: {error}".split())
    if not failed:
        for run, record in zip(runs, records, strict=True):
            yield Ended(run, record.status, record.scores.get("val", {}))
        return
    free()  # not in the handler, where the group that failed is still held
    if too_large and len(runs) > 1:
        logger.warning("out of memory with %s members at once; going on with half as many", len(runs))
        discard(planned.pool.folder / "unfinished" / group_id(runs))
        middle = (len(runs) + 1) // 2
        yield from _together(runs[:middle], planned, interrupt, save_steps)
        yield from _together(runs[middle:], planned, interrupt, save_steps)
        return
    if len(runs) > 1:  # the error of one of them, perhaps: the others shall not fail with it
        logger.warning("%s members at once failed (%s); going on one by one", len(runs), failed)
    for run in runs:
        yield from _alone(run, planned, interrupt, save_steps, None)


def _in_workers(job: Job, planned: Plan, interrupt: Interrupt, save_steps: int | None) -> Generator[Event, None, None]:
    """Train parts of a job in processes of one thread each; the runs of a part whose worker dies twice have failed."""
    prepare = partial(prepare_worker, planned.recipes.experiment, planned.pool.folder, save_steps)
    processes = in_processes(
        prepare,
        job.parts,
        workers=len(job.devices),
        devices=job.devices,
        attempts=WORKER_ATTEMPTS,
        stop=lambda: interrupt.pending,
    )
    for told in _until(interrupt, processes):
        if not isinstance(told, Crashed):
            yield told
            continue
        error = TrainingError(f"its worker process died {WORKER_ATTEMPTS} times, last with status {told.exit_status}")
        for run in job.parts[told.item].runs:
            if run.id not in planned.pool:
                yield _failed(run, planned.pool, error)


def _until(interrupt: Interrupt, told: Iterator[Event | Crashed]) -> Iterator[Event | Crashed]:
    """What worker processes tell, until they were stopped by what stops this one."""
    try:
        yield from told
    except KeyboardInterrupt:
        if interrupt.pending:
            raise interrupt.error() from None
        raise


def prepare_worker(
    experiment: Experiment, folder: Path, save_steps: int | None, device: str
) -> Callable[[Job], Iterator[Event]]:
    """What a worker process does with a part of a job; the data are read once."""
    planned = plan(experiment, folder, device)

    def work(part: Job) -> Iterator[Event]:
        (alone, *_) = part.runs
        with deferred_interrupt() as interrupt, kept_memory():
            for event in do(part, planned, interrupt, save_steps, None, execution="worker process"):
                yield event._replace(run=event.run or alone.id) if isinstance(event, Step) else event
            if interrupt.pending:
                raise interrupt.error()

    return work


def _alone(
    run: Run,
    planned: Plan,
    interrupt: Interrupt,
    save_steps: int | None,
    watch: Watch | None,
    execution: str = "one by one",
) -> Generator[Event, None, None]:
    training = train_member(
        run, planned.dataset, planned.pool, interrupt, save_steps=save_steps, watch=watch, execution=execution
    )
    try:
        record = yield from training
        ended = Ended(run, record.status, record.scores.get("val", {}))
    except LREnsembleError:  # a full disk, a model that does not suit the data: every other run would meet it
        raise
    except Exception as error:
        ended = _failed(run, planned.pool, error)
    if ended.status == "failed":
        free()  # not in the handler, where what failed is still held: the next run may need its memory
    yield ended


def _failed(run: Run, pool: Pool, error: Exception) -> Ended:
    """Write down in the pool that a run ended in an error, and tell it."""
    recipe = run.recipe.model_dump(mode="json")
    trace = "".join(traceback.format_exception(error))
    pool.record_failure(Failure(id=run.id, name=run.name, recipe=recipe, traceback=trace))
    return Ended(run, "failed", reason=" ".join(f"{type(error).__name__}: {error}".split()))
