"""How a sweep stands, in sections: who is at work on what since when, what is done, and the time left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from lrensemble.pool import Pool
from lrensemble.report.report_data import ReportData, Running
from lrensemble.report.section import Section, Table
from lrensemble.report.sections.verdict import verdict
from lrensemble.text import time_in_words
from lrensemble.train.progress_lines import last_lines
from lrensemble.train.status import Status, UnderWay


def is_at_work(found: Status) -> bool:
    """Whether a process trains in the pool."""
    return any(each.is_at_work for each in found.processes) or any(_is_held(each) for each in found.under_way)


def head(report: ReportData, found: Status) -> Section:
    """First section of the page of a pool that is not evaluated: how far it is."""
    stands = "under way" if is_at_work(found) else "not evaluated yet"
    facts = [(status.replace("_", " "), f"{count:,}") for status, count in found.members.items()]
    facts.append(("runs under way", f"{sum(each.is_run and _is_held(each) for each in found.under_way):,}"))
    pace = found.pace
    if pace.left is not None:
        facts.append(("runs left", f"{pace.left:.1f} of {pace.runs}"))
    if pace.per_hour is not None:
        facts.append(("runs an hour", f"{pace.per_hour:.3g}"))
    if pace.seconds_left is not None:
        facts.append(("time left", time_in_words(pace.seconds_left)))
    return replace(verdict(report), title=f"{report.pool.task.name}: {stands}", facts=facts)


def under_way(found: Status) -> Section | None:
    """Section with a line for every run that was begun, and for every process."""
    tables = [
        Table(
            ("run", "who", "since (UTC)", "epoch", "saved"),
            [_run(each) for each in found.under_way],
            caption="Runs that were begun",
            minor=frozenset({2, 4}),
        ),
        Table(
            ("process", "began (UTC)", "state"),
            [
                [str(each), _moment(each.said.began), _state(at_work=each.is_at_work, alive=each.alive)]
                for each in found.processes
            ],
            caption="Processes",
            plain=True,
        ),
    ]
    tables = [table for table in tables if table.rows]
    return Section("Under way", tables=tables) if tables else None


def running_in(pool: Pool, found: Status) -> tuple[Running, ...]:
    """Runs under way that have told of epochs, as far as the pool's file knows."""
    wanted = {each.claim.name: each for each in found.under_way if each.is_run}
    lines_of: dict[str, dict[int, dict[str, Any]]] = {run: {} for run in wanted}
    for line in last_lines(pool) if wanted else ():
        run, epoch = line.get("run"), line.get("epoch")
        if line.get("event") == "epoch" and run in lines_of and isinstance(epoch, int):
            lines_of[run][epoch] = _of_history(line)
    return tuple(
        Running(run, f"{wanted[run].name} (under way)", wanted[run].name.partition("(")[0], _in_order(lines))
        for run, lines in lines_of.items()
        if lines
    )


def _of_history(line: dict[str, Any]) -> dict[str, Any]:
    scores = line.get("scores")
    own = {f"val_{name}": value for name, value in scores.items()} if isinstance(scores, dict) else {}
    return {**{key: line.get(key) for key in ("step", "epoch", "rate", "train_loss")}, **own}


def _in_order(lines: dict[int, dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Lines by epoch; a run that went on from a saved state has written some of them twice."""
    return tuple(lines[epoch] for epoch in sorted(lines))


def _is_held(each: UnderWay) -> bool:
    return each.claim.holder is not None and not each.claim.is_stale


def _run(each: UnderWay) -> Sequence[str]:
    if each.claim.holder is None:
        who = "nobody: left to the next"
    else:
        silent = "" if not each.claim.is_stale else _state(at_work=False, alive=each.claim.alive)
        who = f"{each.claim.holder}{silent and f', {silent}: left to the next'}"
    return (
        each.name,
        who,
        "–" if each.since is None else _moment(each.since),
        "–" if each.epochs is None else f"{each.epoch} of {each.epochs}",
        "–" if each.saved_steps is None else f"epoch {each.saved_epochs}, step {each.saved_steps:,}",
    )


def _state(*, at_work: bool, alive: bool | None) -> str:
    return "at work" if at_work else "dead" if alive is False else "silent"


def _moment(text: str) -> str:
    """A time to the second, as people read it."""
    try:
        return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return text
