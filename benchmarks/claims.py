"""Claims a second on a folder, by processes at once, beside three bare renames: `python -m benchmarks.claims FOLDER`.

What a claim needs is two folders made, renamed and removed; a look at one that another process has, two reads.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.measure import machine, show

from lrensemble.files.claims import Claim, claim, holder_of
from lrensemble.files.shared import file_system_of

OTHER = "00000000-1-1-0123abcd.300s.elsewhere"
"""A claim of another machine's process."""


def bare(folder: Path, count: int) -> None:
    """The yardstick: what an empty claim and its end must at least ask of a file system."""
    place = folder / f"bare-{os.getpid()}-{count}"
    place.mkdir()
    inside = place / "inside"
    inside.mkdir()
    done = place.with_suffix(".done")
    place.rename(done)
    (done / "inside").rmdir()
    done.rmdir()


def claimed(folder: Path, count: int) -> None:
    """A run that is claimed and ended."""
    mine = claim(folder / "unfinished", f"{os.getpid():08x}{count:08x}")
    assert isinstance(mine, Claim)
    mine.finish()


def looked(folder: Path, count: int) -> None:  # noqa: ARG001
    """A look at a run that another process has, as by those that wait."""
    assert holder_of(folder / "unfinished", "held") is not None


WORK = {"three bare renames and removals": bare, "claim and end": claimed, "look at another's claim": looked}


def repeated(action: Callable[[Path, int], None], folder: Path, until: float) -> int:
    """How often an action is done until a time."""
    count = 0
    while time.time() < until:
        action(folder, count)
        count += 1
    return count


def per_second(action: Callable[[Path, int], None], folder: Path, processes: int, seconds: float) -> float:
    """Actions a second of several processes together."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as executor:
        list(executor.map(partial(repeated, action, folder), [time.time()] * processes))  # all have started
        until = time.time() + seconds
        return sum(executor.map(partial(repeated, action, folder), [until] * processes)) / seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="one that is shared, for what a cluster would see")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--save", type=Path)
    given = parser.parse_args()
    folder = given.folder / f"claims-{os.getpid()}"
    (folder / "unfinished" / "held" / OTHER).mkdir(parents=True)
    try:
        rows = []
        for processes in given.processes:
            yardstick = 0.0
            for name, action in WORK.items():
                found = per_second(action, folder, processes, given.seconds)
                yardstick = yardstick or found
                rows.append([str(processes), name, f"{found:,.0f}", f"{found / yardstick:.2f}"])
        title = f"Claims on {file_system_of(folder)}, {machine()['processor']}"
        show(title, ["processes", "what", "a second", "of the bare ones"], rows, given.save)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
