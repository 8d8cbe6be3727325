"""Runs that other processes train in the same pool: those that have ended there, and waiting for the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence

from lrensemble.files.claims import POLL_SECONDS, holder_of, poll_pause
from lrensemble.pool import Pool
from lrensemble.train.execution.events import Ended
from lrensemble.train.run.runs import Elsewhere, Run, ShouldContinue, is_there, unfinished
from lrensemble.train.run.session import Interrupt
from lrensemble.train.sweep.failures import Failures

RUNS_PER_POLL = 20
"""Runs that one poll asks for: a folder that machines share shall not be read without end."""


def ended_elsewhere(run: Run, failures: Failures, should_continue: ShouldContinue | None) -> Ended | None:
    """Event of a run that has ended in another process; None where it has not."""
    if is_there(run, failures.pool, should_continue):
        return Ended(run, "exists")
    if failures.is_new(run):
        return Ended(run, "failed", reason=failures.reason(run))
    return None


def elsewhere_event(run: Run, pool: Pool) -> Elsewhere:
    """Event of a run that another process has, or has left just now."""
    return Elsewhere(run, str(holder_of(unfinished(pool), run.id) or "another process"), run.id)


def wait(
    waiting: Sequence[Elsewhere],
    failures: Failures,
    should_continue: ShouldContinue | None,
    interrupt: Interrupt,
    beat: Callable[[], None],
) -> Generator[Ended, None, tuple[Run, ...]]:
    """Tell of runs that end in other processes, until one of the others can be had from them, or none is left.

    Nothing is planned anew as long as nothing can be had: when many machines wait for the last runs, that would be most
    of what they ask of the file system.

    Args:
        waiting: for these.
        failures: of the pool.
        should_continue: whether the runs are watched.
        interrupt: whether the program was asked to end.
        beat: called now and then: this process is still at work.

    Returns:
        The runs that have not ended.

    Raises:
        KeyboardInterrupt: the program was asked to end.
    """
    news, home, left = time.monotonic(), unfinished(failures.pool), list(waiting)
    while left:
        polled, left = left[:RUNS_PER_POLL], left[RUNS_PER_POLL:]
        ended = [ended_elsewhere(each.run, failures, should_continue) for each in polled]
        still = [each for each, end in zip(polled, ended, strict=True) if end is None]
        yield from filter(None, ended)
        left = [*left, *still]
        if any(not holder_of(home, each.claim) for each in still):
            break
        # What ended here may go on there: the parts of a chain, say, and a sweep of few runs.
        news = time.monotonic() if any(ended) and len(left) <= RUNS_PER_POLL else news
        _sleep(poll_pause(news) if left else 0.0, interrupt, beat)
    order = {each.run.id: place for place, each in enumerate(waiting)}
    return tuple(sorted((each.run for each in left), key=lambda run: order[run.id]))


def _sleep(seconds: float, interrupt: Interrupt, beat: Callable[[], None]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if interrupt.pending:
            raise interrupt.error()
        beat()
        time.sleep(POLL_SECONDS[0] / 5)
