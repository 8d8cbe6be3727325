"""What a sweep tells while it goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lrensemble.pool import Pool
from lrensemble.train.execution.jobs import Job
from lrensemble.train.run.loop import Step
from lrensemble.train.run.runs import Elsewhere, Run


@dataclass(frozen=True)
class Planned:
    """All is checked and the sweep begins; or, where a strategy waits for results, goes on with more runs."""

    pool: Pool
    runs: tuple[Run, ...]
    """Those that are to be trained now."""
    jobs: tuple[Job, ...] = ()
    """How those that the pool does not have are executed."""
    remaining: int = 0
    """How many are expected to be planned later."""


@dataclass(frozen=True)
class Began:
    """A run begins, or goes on from a saved state; the steps that follow name the run that they are of."""

    run: Run


@dataclass(frozen=True)
class Ended:
    """A run has ended."""

    run: Run
    status: Literal["finished", "diverged", "pruned", "failed", "exists"]
    scores: dict[str, float] = field(default_factory=dict)
    """By metric, on the validation rows; empty unless it is finished."""
    reason: str = ""
    """Why it failed, in one line; the traceback is in the pool, under `failed`."""


Event = Planned | Began | Elsewhere | Step | Ended
