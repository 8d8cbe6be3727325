"""Which failures of a pool are new."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lrensemble.pool import Pool
from lrensemble.train.run.runs import Run, entries_of


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
