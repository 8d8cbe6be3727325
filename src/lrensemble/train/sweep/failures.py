"""Failures of a pool, told apart into old and new ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lrensemble.pool import Pool
from lrensemble.train.run.runs import Run, entries_of


@dataclass(frozen=True)
class Failures:
    """Failures that a pool had when a sweep began; later ones are of this sweep or of others at the same time."""

    pool: Pool
    before: dict[str, int] = field(default_factory=dict)
    """Nanoseconds of the time at which each was written, by id of the run."""

    @classmethod
    def of(cls, pool: Pool) -> Failures:
        """Failures that the pool has now."""
        times = {path.stem: _modified(path) for path in entries_of(pool.folder / "failed")}
        return cls(pool, {id_: time for id_, time in times.items() if time is not None})

    def is_new(self, run: Run) -> bool:
        """Whether a run has failed since."""
        modified = _modified(self.pool.folder / "failed" / f"{run.id}.json")
        return modified is not None and modified != self.before.get(run.id)

    def reason(self, run: Run) -> str:
        """Last line of the traceback of a run."""
        known = {failure.id: failure.traceback for failure in self.pool.failures()}
        return " ".join(known.get(run.id, "").strip().rpartition("\n")[2].split())


def _modified(path: Path) -> int | None:
    """Time at which a file was written, in nanoseconds; None where it does not exist."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None
