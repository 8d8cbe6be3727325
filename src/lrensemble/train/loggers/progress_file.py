"""`progress.jsonl` in the folder of a pool: what happens, one JSON line an event, to follow from outside."""

from __future__ import annotations

import json
import math
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

from lrensemble.config import Experiment
from lrensemble.environment import command
from lrensemble.files import append_line
from lrensemble.pool import Pool
from lrensemble.train.execution.events import Began, Ended, Event, OutOfTime, Planned
from lrensemble.train.progress_lines import FILE
from lrensemble.train.run.progress.events import Epoch, Step
from lrensemble.train.run.runs import Elsewhere
from lrensemble.train.sweep.declared import declared_values

SECONDS_PER_LINE = 1.0
"""Seconds between two lines of epochs of one run at least: short epochs shall not fill the disk."""


class ProgressFile:
    """Logger that appends to the pool's file what matters of each event; nothing of a sweep that finds all done.

    Several processes append to the same file, and nobody reads it as content.
    """

    def __init__(self, pool: Pool, experiment: Experiment) -> None:
        """What the experiment declares stands in the first line that plans runs: see `declared_values`."""
        self._declared = declared_values(experiment)
        self._path = pool.folder / FILE
        self._host, self._process = platform.node(), os.getpid()
        self._epoch_times: dict[str, float] = {}
        """Time of the last epoch that was told, by run."""
        self._others = set[tuple[str, str]]()
        """Runs that others have, and who: each is told once."""
        self._planned = 0
        """Runs of all rounds so far."""

    def note(self, event: Event) -> None:
        """Append a line, unless the event is a step, an epoch right after another, or a run that is there already."""
        if isinstance(event, Step):
            return
        if isinstance(event, Epoch):
            now = time.monotonic()
            if now - self._epoch_times.get(event.run, -math.inf) < SECONDS_PER_LINE:
                return
            self._epoch_times[event.run] = now
        elif isinstance(event, Ended):
            self._epoch_times.pop(event.run.id, None)
        elif isinstance(event, Planned):
            self._planned += len(event.runs)
        elif isinstance(event, Elsewhere):
            if (event.run.id, event.holder) in self._others:
                return
            self._others.add((event.run.id, event.holder))
        if (fields := _fields(event)) is None:
            return
        when = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"time": when, "host": self._host, "process": self._process, **fields}
        if isinstance(event, Planned):
            line["all"] = self._planned + event.remaining
            line |= {"declared": self._declared} if self._declared else {}
            self._declared = {}
        append_line(self._path, json.dumps(_finite(line), ensure_ascii=True, allow_nan=False))

    def close(self) -> None:
        """Nothing is open between two lines."""


def _fields(event: Event) -> dict[str, object] | None:
    """What is written of an event; None where nothing is."""
    if isinstance(event, Planned) and event.jobs:
        jobs = [{"execution": job.execution, "runs": len(job.runs)} for job in event.jobs]
        planned = {"event": "planned", "runs": len(event.runs), "remaining": event.remaining, "jobs": jobs}
        return planned if (typed := command()) is None else {**planned, "command": typed}
    if isinstance(event, Began):
        return {"event": "began", "run": event.run.id, "name": event.run.name}
    if isinstance(event, Elsewhere):
        return {"event": "elsewhere", "run": event.run.id, "name": event.run.name, "holder": event.holder}
    if isinstance(event, Epoch):
        return {"event": "epoch", **asdict(event)}
    if isinstance(event, OutOfTime):
        return {"event": "out_of_time", "missing": len(event.missing), "remaining": event.remaining}
    if isinstance(event, Ended) and event.status != "exists":
        ended = {"event": "ended", "run": event.run.id, "name": event.run.name, "status": event.status}
        return {**ended, "scores": event.scores, "reason": event.reason}
    return None


def _finite(value: object) -> object:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    return value
