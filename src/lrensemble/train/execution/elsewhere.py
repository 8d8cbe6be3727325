"""What other processes do in the same pool: what has ended there, and waiting for what has not."""

from __future__ import annotations

import time
from collections.abc import Sequence

from lrensemble.files.claims import POLL_SECONDS, holder_of
from lrensemble.pool import Pool
from lrensemble.train.execution.events import Ended
from lrensemble.train.run.runs import Elsewhere, Run, Watch, is_there, unfinished
from lrensemble.train.run.session import Interrupt
from lrensemble.train.sweep.failures import Failures

LOOKS_AT_ONCE = 20
"""Runs that are looked at in one poll: a folder that machines share shall not be read without end."""


def ended_elsewhere(run: Run, failures: Failures, watch: Watch | None) -> Ended | None:
    """How a run has ended while this process did something else; None where it has not."""
    if is_there(run, failures.pool, watch):
        return Ended(run, "exists")
    if failures.is_new(run):
        return Ended(run, "failed", reason=failures.reason(run))
    return None


def elsewhere(run: Run, pool: Pool) -> Elsewhere:
    """That another process has a run, and which; it may have left it just now."""
    return Elsewhere(run, str(holder_of(unfinished(pool), run.id) or "another process"), run.id)


def wait_for_one(waiting: Sequence[Elsewhere], failures: Failures, watch: Watch | None, interrupt: Interrupt) -> None:
    """Wait until one of some runs has ended in another process, or can be had from it.

    Raises:
        KeyboardInterrupt: the program was asked to end.
    """
    pause, home = POLL_SECONDS[0], unfinished(failures.pool)
    while True:
        for each in waiting[:LOOKS_AT_ONCE]:
            if ended_elsewhere(each.run, failures, watch) or not holder_of(home, each.claim):
                return
        until = time.monotonic() + pause
        while time.monotonic() < until:
            if interrupt.pending:
                raise interrupt.error()
            time.sleep(POLL_SECONDS[0] / 5)
        pause = min(1.5 * pause, POLL_SECONDS[1])
        waiting = [*waiting[LOOKS_AT_ONCE:], *waiting[:LOOKS_AT_ONCE]]
