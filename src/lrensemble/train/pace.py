"""The pace of a sweep that several processes share, as `progress.jsonl` tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lrensemble.pool.processes import Process


@dataclass(frozen=True)
class Pace:
    """Runs of a sweep, and how fast they are done."""

    runs: int | None
    """Runs in all that the processes at work have planned; None where none has."""
    left: float | None
    """Runs that are not done, those under way by the epochs that they have left."""
    per_hour: float | None
    """Runs an hour of all processes, since the first of those at work began; None before there is an epoch."""

    @property
    def seconds_left(self) -> float | None:
        """Seconds until all is done, at this pace."""
        return None if self.left is None or not self.per_hour else 3600 * self.left / self.per_hour


def pace_of(
    lines: Sequence[Mapping[str, Any]],
    processes: Iterable[Process],
    *,
    done: int,
    under_way: float,
    now: datetime | None = None,
) -> Pace:
    """The pace of those at work.

    Args:
        lines: of `progress.jsonl`.
        processes: that have their files in the pool.
        done: runs that have ended, however.
        under_way: sum of the shares that are done of the others.
        now: time by the clock of this machine.
    """
    working = {(each.said.host, each.said.process): each for each in processes if each.is_at_work}
    own = [line for line in lines if (line.get("host"), line.get("process")) in working]
    runs = _planned(own, working)
    left = None if runs is None else max(0.0, runs - done - under_way)
    began = min(filter(None, map(_time, own)), default=None)
    if began is None:
        return Pace(runs, left, None)
    hours = ((now or datetime.now(UTC)) - began).total_seconds() / 3600
    work = _work(line for line in lines if (time := _time(line)) is not None and time >= began)
    return Pace(runs, left, work / hours if work and hours > 0 else None)


def _planned(lines: Iterable[Mapping[str, Any]], working: Mapping[tuple[str, int], Process]) -> int | None:
    """Runs in all: what is planned by those who share all, or the sum over the shards."""
    by_shard: dict[str | None, int] = {}
    for line in lines:
        if line.get("event") == "planned" and isinstance(count := line.get("all"), int):
            shard = working[line["host"], line["process"]].said.shard
            by_shard[shard] = max(count, by_shard.get(shard, 0))
    return sum(by_shard.values()) if by_shard else None


def _work(lines: Iterable[Mapping[str, Any]]) -> float:
    """Runs that were done in some lines, in parts: what a run had done before its first line does not count."""
    first, last = dict[str, float](), dict[str, float]()
    for line in lines:
        run = line.get("run")
        if line.get("event") == "epoch" and (epochs := line.get("epochs")) and isinstance(run, str):
            last[run] = line["epoch"] / epochs
            first.setdefault(run, (line["epoch"] - 1) / epochs)
        elif line.get("event") == "ended" and isinstance(run, str):
            last[run] = 1.0
    return sum(share - first.get(run, 0.0) for run, share in last.items())


def _time(line: Mapping[str, Any]) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(line.get("time")))
    except ValueError:
        return None
    return found if found.tzinfo else None
