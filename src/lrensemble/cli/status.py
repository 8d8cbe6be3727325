"""`lrensemble status`: who is at work in a pool, on which runs, and how long it will take."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Format, Json, Table, answers, form_of, open_pool, print_json, print_tables
from lrensemble.text import time_in_words
from lrensemble.text.counted import counted

if TYPE_CHECKING:
    from lrensemble.pool.processes import Process
    from lrensemble.train.status import Status, UnderWay


class RunSeen(TypedDict):
    """A run that was begun, or what else one process alone does."""

    id: str
    name: str
    host: str | None
    """Machine that has it; null where it was left to whoever comes."""
    process: int | None
    since: str | None
    """Time at which that process began it, by its own clock."""
    silent: float
    """Seconds since its holder was last heard of, by the clock of the file system."""
    lease: int
    """Seconds of silence after which another process may take it over."""
    stale: bool
    """Whether it may be taken over now: its holder is dead, or was silent for too long."""
    epoch: int | None
    """Epochs done, as was told last."""
    epochs: int | None
    saved_steps: int | None
    """Steps in the saved state that it would go on from."""
    saved_epochs: int | None


class ProcessSeen(TypedDict):
    """A process that has said that it is at work."""

    host: str
    process: int
    began: str
    silent: float
    """Seconds since it was last heard of."""
    at_work: bool
    """Whether it was heard of within its lease, and is not known to be dead."""
    shard: str | None
    versions: dict[str, str]


class PoolStatus(TypedDict):
    """How a pool stands."""

    pool: str
    members: dict[str, int]
    """Number by status; `failed` are runs that ended in an error."""
    under_way: list[RunSeen]
    processes: list[ProcessSeen]
    runs: int | None
    """Runs in all that the processes at work have planned."""
    left: float | None
    """Runs that are not done; those under way count by the epochs that they have left."""
    per_hour: float | None
    """Runs an hour, of all processes together."""
    seconds_left: float | None


EXAMPLES = ("lrensemble status pool", "lrensemble status pool --json")


def output() -> Any:
    """Members by status, runs under way and who has them, processes, pace."""
    return PoolStatus


def status(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool.")],
    format: Format = "table",  # noqa: A002 – the option's name
    json: Json = False,
) -> None:
    """Show who is at work in a pool, on this machine or on others, and how far they are."""
    from lrensemble.train.status import status as status_of

    found, form = status_of(open_pool(pool)), form_of(format, json)
    if form == "json":
        print_json(_record(pool, found))
        return
    tables = [_processes(found), _under_way(found)]
    if form == "table":
        answers.print(_headline(pool, found), soft_wrap=True)
        for line in _stale(found):
            answers.print(line, soft_wrap=True)
    print_tables([each for each in tables if each.rows], form)


def _record(pool: Path, found: Status) -> PoolStatus:
    return PoolStatus(
        pool=str(pool),
        members=dict(found.members),
        under_way=[_run(each) for each in found.under_way],
        processes=[_process(each) for each in found.processes],
        runs=found.pace.runs,
        left=found.pace.left,
        per_hour=found.pace.per_hour,
        seconds_left=found.pace.seconds_left,
    )


def _run(each: UnderWay) -> RunSeen:
    holder = each.claim.holder
    return RunSeen(
        id=each.claim.name,
        name=each.name,
        host=None if holder is None else holder.host,
        process=None if holder is None else holder.process,
        since=each.since,
        silent=round(each.claim.silent, 1),
        lease=each.claim.lease,
        stale=each.claim.is_stale,
        epoch=each.epoch,
        epochs=each.epochs,
        saved_steps=each.saved_steps,
        saved_epochs=each.saved_epochs,
    )


def _process(each: Process) -> ProcessSeen:
    return ProcessSeen(
        host=each.said.host,
        process=each.said.process,
        began=each.said.began,
        silent=round(each.silent, 1),
        at_work=each.is_at_work,
        shard=each.said.shard,
        versions=each.said.versions,
    )


def _headline(pool: Path, found: Status) -> str:
    """`pool: 12 members (11 finished, 1 diverged); 3 runs under way; 2 processes at work; 12.1 runs an hour, …`."""
    kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in found.members.items())
    under_way = sum(
        each.is_run and each.claim.holder is not None and not each.claim.is_stale for each in found.under_way
    )
    at_work = sum(each.is_at_work for each in found.processes)
    parts = [
        f"{pool}: {counted(sum(found.members.values()), 'member')}" + (f" ({kinds})" if kinds else ""),
        f"{counted(under_way, 'run')} under way",
        f"{at_work} process{'' if at_work == 1 else 'es'} at work",
    ]
    if found.pace.left is not None:
        parts.append(f"{found.pace.left:.1f} of {found.pace.runs} runs left")
    if found.pace.per_hour is not None:
        parts.append(f"{found.pace.per_hour:.3g} runs an hour")
    if found.pace.seconds_left is not None:
        parts.append(f"{time_in_words(found.pace.seconds_left)} left")
    return "; ".join(parts)


def _stale(found: Status) -> list[str]:
    """A line for each run whose holder is gone."""
    return [
        f"{each.claim.holder} has {each.name} and is {'dead' if each.claim.alive is False else 'silent'} "
        f"({time_in_words(each.claim.silent)}, lease {each.claim.lease} s): the next process that asks takes it over"
        for each in found.under_way
        if each.claim.is_stale
    ]


def _processes(found: Status) -> Table:
    rows = Table(
        "processes", {"host": "left", "process": "right", "began": "left", "heard of": "right", "state": "left"}
    )
    for each in found.processes:
        state = "at work" if each.is_at_work else "dead" if each.alive is False else "silent"
        shard = f", shard {each.said.shard}" if each.said.shard else ""
        began, heard = _moment(each.said.began), f"{time_in_words(each.silent)} ago"
        rows.add_row(each.said.host, str(each.said.process), began, heard, f"{state}{shard}")
    return rows


def _under_way(found: Status) -> Table:
    columns = ("run", "who", "since", "heard of", "epoch", "saved")
    rows = Table("under way", {name: "right" if name in columns[3:] else "left" for name in columns})
    for each in found.under_way:
        rows.add_row(
            f"{each.name} ({each.claim.name})" if each.name != each.claim.name else each.name,
            "nobody: left to the next" if each.claim.holder is None else str(each.claim.holder),
            "–" if each.since is None else _moment(each.since),
            f"{time_in_words(each.claim.silent)} ago" + (", stale" if each.claim.is_stale else ""),
            "–" if each.epochs is None else f"{each.epoch}/{each.epochs}",
            "–" if each.saved_steps is None else f"epoch {each.saved_epochs}, step {each.saved_steps}",
        )
    return rows


def _moment(text: str) -> str:
    """A time to the second, as people read it."""
    try:
        return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return text
