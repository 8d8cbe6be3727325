"""Do the jobs of a sweep, each in its way, and tell what happens."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from lrensemble.config import Experiment
from lrensemble.data import Dataset
from lrensemble.data.views import Views, dataset_of, views_of
from lrensemble.errors import LostClaimError, LREnsembleError, TrainingError
from lrensemble.executors import Crashed
from lrensemble.files import this_process
from lrensemble.files.claims import Held, claim, holder_of
from lrensemble.pool import Failure, Pool
from lrensemble.pool.processes import check_seen
from lrensemble.train.execution.devices import to_devices
from lrensemble.train.execution.events import Began, Ended, Event
from lrensemble.train.execution.jobs import Job
from lrensemble.train.execution.memory import free, is_out_of_memory, kept_memory
from lrensemble.train.execution.other_processes import elsewhere_event, ended_elsewhere
from lrensemble.train.execution.signals import deferred_interrupt
from lrensemble.train.run.life import train_runs
from lrensemble.train.run.progress.claims import Claims, claim_group
from lrensemble.train.run.progress.record import HistoryLine
from lrensemble.train.run.runs import Elsewhere, Run, is_there, unfinished
from lrensemble.train.run.session import Interrupt, Session
from lrensemble.train.sweep.setup import Setup, set_up

logger = logging.getLogger(__name__)

MOST_OF_A_REASON = 300
"""Characters of what a run failed of, where it is told; its traceback is kept whole."""

WORKER_ATTEMPTS = 2
"""How often a run is begun before the death of its worker process is recorded as its failure."""


def execute(job: Job, setup: Setup, session: Session) -> Generator[Event, None, None]:
    """Train the runs of a job, without those that others have.

    A run alone that fails is recorded; a group that fails is tried again in smaller jobs.
    """
    if job.execution == "workers":
        yield from _in_workers(job, setup, session)
        return
    claims, known = _claim(job, setup, session)
    yield from known
    if claims is None:
        return
    fused, smaller, failed = job.execution == "fused", list[Job](), False
    ended: Iterable[Event] = ()
    try:
        yield from map(Began, claims.runs)
        own = replace(session, execution="fused") if fused else session
        records = yield from train_runs(claims, setup.dataset, setup.pool, own)
        pairs = zip(claims.runs, records, strict=True)
        ended = [Ended(run, record.status, record.scores.get("val", {})) for run, record in pairs]
    except LostClaimError as error:
        logger.warning("%s", error)
        ended = (elsewhere_event(run, setup.pool) for run in claims.runs)  # asked when the claims are released
    except LREnsembleError:  # a full disk, a model that does not suit the data: every other run would meet it
        raise
    except (Exception, SystemExit) as error:  # a network that ends the program is one that fails
        if fused:
            smaller = _smaller_jobs(claims.runs, error)
            claims.state.finish()
        elif claims.are_held():
            ended = [_failed(run, setup.pool, error) for run in claims.runs]
        else:  # what it failed of may be that another process has its run
            ended = (elsewhere_event(run, setup.pool) for run in claims.runs)
        failed = True
    finally:
        claims.release()
    if failed:
        free()  # not in the handler, where what failed is still held: the next run may need its memory
    yield from ended
    for part in smaller:
        yield from execute(part, setup, session)


def _claim(job: Job, setup: Setup, session: Session) -> tuple[Claims | None, list[Event]]:
    """The claims on the runs that this process trains, if there are any; how it stands with the others."""
    pool = setup.pool
    if job.execution == "fused":
        group, others = claim_group(job.runs, pool)
        under_way = {run.id for run in (*(group.runs if group else ()), *(other.run for other in others))}
        return group, [*others, *(Ended(run, "exists") for run in job.runs if run.id not in under_way)]
    (run,) = job.runs
    # A look costs less than a claim, and of many runs others have trained most; the second look is the one that counts.
    if ended := ended_elsewhere(run, setup.failures, session.should_continue):
        return None, [ended]
    mine = claim(unfinished(pool), run.id)
    if isinstance(mine, Held):
        return None, [Elsewhere(run, str(mine), run.id)]
    claims = Claims((run,), mine, {run.id: mine})
    try:
        ended = ended_elsewhere(run, setup.failures, session.should_continue)
    except LREnsembleError:
        claims.release()
        raise
    if ended is None:
        return claims, []
    if ended.status == "exists":
        claims.finish()
    else:
        claims.release()
    return None, [ended]


def _smaller_jobs(runs: tuple[Run, ...], error: BaseException) -> list[Job]:
    """A group that does not fit the memory in two halves, or the runs of one that failed one by one."""
    if is_out_of_memory(error) and len(runs) > 2:
        logger.warning("out of memory with %s members at once; going on with half as many", len(runs))
        middle = (len(runs) + 1) // 2
        return [Job("fused", runs[:middle]), Job("fused", runs[middle:])]
    # An error of one of them, perhaps: the others shall not fail with it.
    failed = _line(error)
    logger.warning("%s members at once failed (%s); going on one by one", len(runs), failed)
    return [Job("one-by-one", (run,)) for run in runs]


def _in_workers(job: Job, setup: Setup, session: Session) -> Generator[Event, None, None]:
    """Train parts of a job in workers of one thread each; the runs of a part whose worker dies twice have failed."""
    should_continue, own = session.should_continue, (session.save_steps, session.reproducible)
    folder = setup.pool.folder.absolute()
    data, shares = setup.dataset, getattr(session.executor, "shares_arrays", False)
    shared = views_of(data) if shares and isinstance(data, Dataset) and data.device.type == "cpu" else None
    prepare = partial(prepare_worker, setup.factory.experiment, folder, str(this_process()), *own, shared)
    events = session.executor.map(
        prepare,
        job.parts,
        devices=job.devices,
        attempts=WORKER_ATTEMPTS,
        stop=lambda: session.interrupt.pending,
        answer=None if should_continue is None else lambda asked: should_continue(*asked),
    )
    for event in _until(session.interrupt, events):
        if not isinstance(event, Crashed):
            yield event
            continue
        error = TrainingError(f"its worker process died {WORKER_ATTEMPTS} times, last with {event}")
        for run in job.parts[event.item].runs:
            if holder := holder_of(unfinished(setup.pool), run.id):
                yield Elsewhere(run, str(holder), run.id)
            elif not is_there(run, setup.pool, should_continue):
                yield _failed(run, setup.pool, error)


def _until(interrupt: Interrupt, events: Iterator[Event | Crashed]) -> Iterator[Event | Crashed]:
    """The events of worker processes, until these were stopped by what stops this one."""
    try:
        yield from events
    except KeyboardInterrupt:
        if interrupt.pending:
            raise interrupt.error() from None
        raise


def prepare_worker(
    experiment: Experiment,
    folder: Path,
    sweep: str,
    save_steps: int | None,
    reproducible: bool,
    shared: Views | None,
    device: str,
    ask: Callable[[tuple[Run, HistoryLine]], bool] | None = None,
) -> Callable[[Job], Iterator[Event]]:
    """What a worker process does with a part of a job; the data are read once.

    It has one thread of torch, so that several share the cores without waiting for one another. `sweep` is the process
    that has the strategy; `shared` are the data that it has read, where workers need not read them again; `ask` reaches
    who says there whether a run goes on.

    Raises:
        StorageError: on this machine, the folder is another one than that of the sweep.
    """
    check_seen(folder, sweep)
    torch.set_num_threads(1)
    with _without_messages():
        known = None if shared is None else dataset_of(shared)
        setup = set_up(experiment, folder, to_devices(device), known, try_models=False)

    def should_continue(run: Run, line: HistoryLine) -> bool:
        return ask is None or ask((run, line))

    def work(part: Job) -> Iterator[Event]:
        with deferred_interrupt() as interrupt, kept_memory():
            watched = None if ask is None else should_continue
            session = Session(interrupt, save_steps, watched, execution="workers", reproducible=reproducible)
            yield from execute(part, setup, session)
            if interrupt.pending:
                raise interrupt.error()

    return work


@contextmanager
def _without_messages() -> Iterator[None]:
    """Messages on the data, which the process that started this one has written, are left out in this block."""
    library = logging.getLogger("lrensemble")
    level = library.level
    library.setLevel(logging.ERROR)
    try:
        yield
    finally:
        library.setLevel(level)


def _failed(run: Run, pool: Pool, error: BaseException) -> Ended:
    """Write down in the pool that a run ended in an error, and tell it."""
    recipe = run.recipe.model_dump(mode="json")
    trace = "".join(traceback.format_exception(error))
    pool.record_failure(Failure(id=run.id, name=run.name, recipe=recipe, traceback=trace))
    return Ended(run, "failed", reason=_line(error))


def _line(error: BaseException) -> str:
    """What was raised in one line, which some libraries fill with all that they know; the traceback has the rest."""
    line = " ".join(f"{type(error).__name__}: {error}".split())
    return line if len(line) <= MOST_OF_A_REASON else f"{line[:MOST_OF_A_REASON]}…"
