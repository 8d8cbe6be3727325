"""Events of a sweep, in the order in which they happen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lrensemble.pool import Pool
from lrensemble.train.execution.jobs import Job
from lrensemble.train.run.progress.events import Epoch, Step
from lrensemble.train.run.runs import Elsewhere, Run


@dataclass(frozen=True)
class Planned:
    """A round of runs begins: all of a sweep, or those that a strategy asks for after the results of the last ones."""

    pool: Pool
    runs: tuple[Run, ...]
    """Runs of the round."""
    jobs: tuple[Job, ...] = ()
    """Jobs that execute those runs that the pool does not have."""
    remaining: int = 0
    """Number of runs that later rounds are expected to have."""


@dataclass(frozen=True)
class Counted:
    """What a run of a language model costs, before anything of it is loaded: memory of a large one, much padding."""

    line: str
    """For people."""


@dataclass(frozen=True)
class Began:
    """A run begins, or goes on from a saved state; the steps and epochs that follow name the run that they are of."""

    run: Run


@dataclass(frozen=True)
class Ended:
    """A run has ended."""

    run: Run
    status: Literal["finished", "diverged", "learned_nothing", "pruned", "failed", "exists"]
    scores: dict[str, float] = field(default_factory=dict)
    """Scores on the validation rows by metric; empty unless it is finished."""
    reason: str = ""
    """The error that it failed with, in one line; its traceback is in the pool, under `failed`."""


@dataclass(frozen=True)
class OutOfTime:
    """The time that a sweep was given is over: the last event. What it did is saved, and the same sweep goes on."""

    missing: tuple[Run, ...]
    """Runs of the last round that have not ended, begun or not."""
    remaining: int = 0
    """Number of runs that later rounds are expected to have."""


@dataclass(frozen=True)
class OtherShards:
    """A shard of a sweep has ended: the last event of one that is divided so."""

    missing: tuple[Run, ...]
    """Runs of other shards that have not ended; of runs that go on from one another the first."""


Event = Counted | Planned | Began | Elsewhere | Step | Epoch | Ended | OutOfTime | OtherShards
