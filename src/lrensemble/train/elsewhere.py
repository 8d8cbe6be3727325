"""What other processes do in the same pool: what has ended there, and waiting for what has not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lrensemble.files.claims import POLL_SECONDS, holder_of
from lrensemble.pool import Pool
from lrensemble.train.events import Ended
from lrensemble.train.interrupt import Interrupt
from lrensemble.train.runs import Elsewhere, Run, Watch, entries_of, is_there, unfinished

LOOKS_AT_ONCE = 20
"""Runs that are looked at in one poll: a folder that machines share shall not be read without end."""


@dataclass(frozen=True)
class Failures:
    """The failures that a pool had when a sweep began; later ones are of this sweep or of others at the same time."""

    pool: Pool
    before: dict[str, int] = field(default_factory=dict)
    """By id of the run, when it was written down."""

    @classmethod
    def of(cls, pool: Pool) -> Failures:
        """Those that are there now."""
        found = {path.stem: _written(path) for path in entries_of(pool.folder / "failed")}
        return cls(pool, {id_: written for id_, written in found.items() if written is not None})

    def is_new(self, run: Run) -> bool:
        """Whether a run has failed since."""
        written = _written(self.pool.folder / "failed" / f"{run.id}.json")
        return written is not None and written != self.before.get(run.id)

    def reason(self, run: Run) -> str:
        """Why it failed, in a line."""
        known = {failure.id: failure.traceback for failure in self.pool.failures()}
        return " ".join(known.get(run.id, "").strip().rpartition("\n")[2].split())


def _written(path: Path) -> int | None:
    """When a file was written, in nanoseconds; None where it is not there, or has gone."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


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
