"""What the benchmarks share: how a time, a peak of memory and a machine are measured, and how a table is kept."""

from __future__ import annotations

import json
import multiprocessing
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from lrensemble.environment import environment

R = TypeVar("R")
Given = TypeVar("Given")


def seconds(action: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def median_seconds(action: Callable[[], object], repeats: int) -> float:
    """Median wall-clock time of several calls."""
    return statistics.median(seconds(action) for _ in range(repeats))


def median_seconds_on_fresh(action: Callable[[Given], object], fresh: Callable[[], Given], repeats: int) -> float:
    """Median wall-clock time of several calls, each on what `fresh` made for it alone: nothing kept counts as speed."""
    return statistics.median(seconds(partial(action, fresh())) for _ in range(repeats))


def alone(function: Callable[[], R]) -> tuple[R, float]:
    """Call a function in a fresh process; what it returns, and the peak of the process's own memory in MiB."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        return executor.submit(_watched, function).result()


def _watched(function: Callable[[], R]) -> tuple[R, float]:
    done = threading.Event()
    peaks = [own_memory()]

    def watch() -> None:
        while not done.wait(0.01):
            peaks.append(max(peaks.pop(), own_memory()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        result = function()
    finally:
        done.set()
        watcher.join()
    return result, peaks[-1]


def own_memory() -> float:
    """Resident memory of this process without the pages of mapped files, which the system can take back, in MiB."""
    with open("/proc/self/status", encoding="utf-8") as file:
        return next(float(line.split()[1]) for line in file if line.startswith("RssAnon")) / 2**10


def machine() -> dict[str, object]:
    """Machine, versions and date, as they stand above every table."""
    return {**environment(), "date": datetime.now(UTC).date().isoformat()}


def show(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], save: Path | None) -> None:
    """Print a table, and write it as Markdown below the machine where a path is given."""
    facts = machine()
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(json.dumps(facts, default=str), soft_wrap=True)
    table = Table(*headings, title=title, title_justify="left", box=None)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    if save:
        lines = [f"# {title}", "", *(f"* {key}: {value}" for key, value in facts.items()), ""]
        lines += ["| " + " | ".join(cells) + " |" for cells in (headings, ["---"] * len(headings), *rows)]
        save.parent.mkdir(parents=True, exist_ok=True)
        save.write_text("\n".join(lines) + "\n", encoding="utf-8")
