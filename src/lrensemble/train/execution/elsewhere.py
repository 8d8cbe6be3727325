"""Runs that other processes train in the same pool: those that have ended there, and waiting for the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from lrensemble.files.claims import POLL_SECONDS, holder_of
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


def elsewhere(run: Run, pool: Pool) -> Elsewhere:
    """Event of a run that another process has, or has left just now."""
    return Elsewhere(run, str(holder_of(unfinished(pool), run.id) or "another process"), run.id)


def wait_for_one(
    waiting: Sequence[Elsewhere],
    failures: Failures,
    should_continue: ShouldContinue | None,
    interrupt: Interrupt,
    beat: Callable[[], None],
) -> None:
    """Wait until one of some runs has ended in another process, or can be had from it.

    Args:
        waiting: for these.
        failures: of the pool.
        should_continue: whether the runs are watched.
        interrupt: whether the program was asked to end.
        beat: called now and then: this process is still at work.

    Raises:
        KeyboardInterrupt: the program was asked to end.
    """
    pause, home = POLL_SECONDS[0], unfinished(failures.pool)
    while True:
        for each in waiting[:RUNS_PER_POLL]:
            if ended_elsewhere(each.run, failures, should_continue) or not holder_of(home, each.claim):
                return
        until = time.monotonic() + pause
        while time.monotonic() < until:
            if interrupt.pending:
                raise interrupt.error()
            beat()
            time.sleep(POLL_SECONDS[0] / 5)
        pause = min(1.5 * pause, POLL_SECONDS[1])
        waiting = [*waiting[RUNS_PER_POLL:], *waiting[:RUNS_PER_POLL]]
