"""Counts what messages and claims cost a worker, in every process that imports this as a plugin of a sweep.

`benchmarks.executors` names it in the experiments that it counts, and reads what the workers have written.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import lrensemble.executors.ray.worker as ray_worker
from lrensemble.executors import worker
from lrensemble.train.execution import execute
from lrensemble.train.run.progress.claims import Claims

FOLDER = "LRENSEMBLE_BENCHMARK_COUNTS"
"""Variable of the environment that names the folder to which workers write their counts."""


class Counts(NamedTuple):
    """CPU seconds of a worker's main thread, and numbers of calls."""

    message_seconds: float = 0.0
    messages: float = 0.0
    claim_seconds: float = 0.0
    claims: float = 0.0
    """Calls: one to claim, one a step for the heartbeat, one to end."""

    def plus(self, other: Counts) -> Counts:
        """The sum."""
        return Counts(*(own + its for own, its in zip(self, other, strict=True)))

    def minus(self, other: Counts) -> Counts:
        """The difference."""
        return Counts(*(own - its for own, its in zip(self, other, strict=True)))


_spent = Counts()
_inside = False


def read(folder: Path) -> dict[int, Counts]:
    """Counts so far, by process."""
    return {int(path.stem): Counts(*json.loads(path.read_bytes())) for path in folder.glob("*.json")}


def _counted(owner: Any, name: str, count: Callable[[float], Counts], *, last: bool = False) -> None:
    """Put a function in the place of one, which counts its calls; those inside another are part of that one."""
    function = getattr(owner, name)

    @wraps(function)
    def counting(*given: Any, **named: Any) -> Any:
        global _spent, _inside
        if _inside:
            return function(*given, **named)
        _inside, began = True, time.thread_time()
        try:
            return function(*given, **named)
        finally:
            _spent, _inside = _spent.plus(count(time.thread_time() - began)), False
            if last and FOLDER in os.environ:
                _write()

    setattr(owner, name, counting)


def _write() -> None:
    path = Path(os.environ[FOLDER]) / f"{os.getpid()}.json"
    path.with_suffix(".draft").write_text(json.dumps(_spent))
    path.with_suffix(".draft").replace(path)


def _message(seconds: float) -> Counts:
    return Counts(message_seconds=seconds, messages=1)


def _claim(seconds: float) -> Counts:
    return Counts(claim_seconds=seconds, claims=1)


_counted(worker, "_tell", _message)
_counted(ray_worker._Caller, "tell", _message)
_counted(ray_worker._Caller, "wait", _message)
_counted(execute, "claim", _claim)
_counted(Claims, "beat", _claim)
_counted(Claims, "finish", _claim, last=True)
