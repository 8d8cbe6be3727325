"""Do the jobs of a sweep, each in its way, and tell what happens."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from pathlib import Path

from lrensemble.config import Experiment
from lrensemble.errors import LostClaimError, LREnsembleError, TrainingError
from lrensemble.executors import Crashed, in_processes
from lrensemble.files.claims import Held, claim, holder_of
from lrensemble.pool import Failure, Pool
from lrensemble.train.execution.devices import to_devices
from lrensemble.train.execution.elsewhere import elsewhere, ended_elsewhere
from lrensemble.train.execution.events import Began, Ended, Event
from lrensemble.train.execution.jobs import Job
from lrensemble.train.execution.memory import free, is_out_of_memory, kept_memory
from lrensemble.train.execution.signals import deferred_interrupt
from lrensemble.train.run.claims import claim_group
from lrensemble.train.run.engine import Step
from lrensemble.train.run.fused.group import train_group
from lrensemble.train.run.interrupt import Interrupt
from lrensemble.train.run.member import train_member
from lrensemble.train.run.runs import Elsewhere, Run, ShouldContinue, unfinished
from lrensemble.train.sweep.setup import Setup, set_up

logger = logging.getLogger(__name__)

WORKER_ATTEMPTS = 2
"""How often a run is begun before the death of its worker process is recorded as its failure."""


def do(
    job: Job,
    setup: Setup,
    interrupt: Interrupt,
    save_steps: int | None,
    watch: ShouldContinue | None,
    execution: str = "one by one",
) -> Generator[Event, None, None]:
    """Train the runs of a job; `execution` is what is recorded of those that are trained alone."""
    if job.execution == "fused":
        yield from _together(job.runs, setup, interrupt, save_steps)
    elif job.execution == "workers":
        yield from _in_workers(job, setup, interrupt, save_steps)
    else:
        for run in job.runs:
            yield from _alone(run, setup, interrupt, save_steps, watch, execution)


def _together(
    runs: Sequence[Run], setup: Setup, interrupt: Interrupt, save_steps: int | None
) -> Generator[Event, None, None]:
    """Train a group in one program, without those that others have; one that does not fit the memory in two halves."""
    claims, others = claim_group(runs, setup.pool)
    mine = () if claims is None else claims.runs
    under_way = {run.id for run in (*mine, *(other.run for other in others))}
    yield from others
    yield from (Ended(run, "exists") for run in runs if run.id not in under_way)
    if claims is None:
        return
    failed, too_large, lost = "", False, False
    try:
        yield from map(Began, mine)
        records = yield from train_group(claims, setup.dataset, setup.pool, interrupt, save_steps=save_steps)
    except LostClaimError as error:
        logger.warning("%s", error)
        lost = True
    except LREnsembleError:
        raise
    except Exception as error:
        too_large, failed = is_out_of_memory(error), " ".join(f"{type(error).__name__}: {error}".split())
        claims.state.finish()
    finally:
        claims.release()
    if lost:
        yield from (elsewhere(run, setup.pool) for run in mine)
    elif failed:
        free()  # not in the handler, where the group that failed is still held
        yield from _in_parts(mine, setup, interrupt, save_steps, failed, halve=too_large)
    else:
        ended = zip(mine, records, strict=True)
        yield from (Ended(run, record.status, record.scores.get("val", {})) for run, record in ended)


def _in_parts(
    runs: Sequence[Run], setup: Setup, interrupt: Interrupt, save_steps: int | None, failed: str, *, halve: bool
) -> Generator[Event, None, None]:
    """Train a group that failed in two halves, or its runs one by one."""
    if halve and len(runs) > 2:
        logger.warning("out of memory with %s members at once; going on with half as many", len(runs))
        middle = (len(runs) + 1) // 2
        yield from _together(runs[:middle], setup, interrupt, save_steps)
        yield from _together(runs[middle:], setup, interrupt, save_steps)
        return
    # An error of one of them, perhaps: the others shall not fail with it.
    logger.warning("%s members at once failed (%s); going on one by one", len(runs), failed)
    for run in runs:
        yield from _alone(run, setup, interrupt, save_steps, None)


def _in_workers(job: Job, setup: Setup, interrupt: Interrupt, save_steps: int | None) -> Generator[Event, None, None]:
    """Train parts of a job in processes of one thread each; the runs of a part whose worker dies twice have failed."""
    prepare = partial(prepare_worker, setup.factory.experiment, setup.pool.folder, save_steps)
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
            if holder := holder_of(unfinished(setup.pool), run.id):
                yield Elsewhere(run, str(holder), run.id)
            elif run.id not in setup.pool:
                yield _failed(run, setup.pool, error)


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
    setup = set_up(experiment, folder, to_devices(device))

    def work(part: Job) -> Iterator[Event]:
        (alone, *_) = part.runs
        with deferred_interrupt() as interrupt, kept_memory():
            for event in do(part, setup, interrupt, save_steps, None, execution="worker process"):
                yield event._replace(run=event.run or alone.id) if isinstance(event, Step) else event
            if interrupt.pending:
                raise interrupt.error()

    return work


def _alone(
    run: Run,
    setup: Setup,
    interrupt: Interrupt,
    save_steps: int | None,
    watch: ShouldContinue | None,
    execution: str = "one by one",
) -> Generator[Event, None, None]:
    pool = setup.pool
    mine = claim(unfinished(pool), run.id)
    if isinstance(mine, Held):
        yield Elsewhere(run, str(mine), run.id)
        return
    told: Event | None = None
    try:
        told = ended_elsewhere(run, setup.failures, watch)
        if told is None:
            yield Began(run)
            record = yield from train_member(
                run, setup.dataset, pool, interrupt, mine, save_steps=save_steps, watch=watch, execution=execution
            )
            told = Ended(run, record.status, record.scores.get("val", {}))
        elif told.status == "exists":
            mine.finish()
    except LostClaimError as error:
        logger.warning("%s", error)
        told = elsewhere(run, pool)
    except LREnsembleError:  # a full disk, a model that does not suit the data: every other run would meet it
        raise
    except Exception as error:
        told = _failed(run, pool, error)
    finally:
        mine.release()
    if isinstance(told, Ended) and told.status == "failed":
        free()  # not in the handler, where what failed is still held: the next run may need its memory
    yield told


def _failed(run: Run, pool: Pool, error: Exception) -> Ended:
    """Write down in the pool that a run ended in an error, and tell it."""
    recipe = run.recipe.model_dump(mode="json")
    trace = "".join(traceback.format_exception(error))
    pool.record_failure(Failure(id=run.id, name=run.name, recipe=recipe, traceback=trace))
    return Ended(run, "failed", reason=" ".join(f"{type(error).__name__}: {error}".split()))
