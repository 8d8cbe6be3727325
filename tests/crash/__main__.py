"""`make crash-test`: every command, every call, every fault; the number of points, and what was not survived.

python -m tests.crash [--jobs 2] [--log FILE] [COMMAND …]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.crash.build import build, reason_against
from tests.crash.commands import COMMANDS
from tests.crash.faults import faults_of
from tests.crash.watched import case_of, forks, problems

MEMORY = Path("/dev/shm")
"""Where a file costs nothing."""


def main() -> int:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash")
    parser.add_argument("commands", nargs="*", help="words of names; all commands unless given")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--every", type=int, default=1, help="only every so many points")
    given = parser.parse_args()
    if reason := reason_against():
        say(reason)
        return 2
    names = [name for name in COMMANDS if not given.commands or any(words in name for words in given.commands)]
    began, points, failures = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        library = build(Path(folder))
        tasks = [
            (name, job, given.jobs, given.every, library, Path(folder)) for name in names for job in range(given.jobs)
        ]
        with ThreadPoolExecutor(given.jobs) as pool:  # the work is done in processes of their own
            for name, count, failed in pool.map(_part, tasks):
                points, failures = points + count, failures + failed
                say(f"{name}: {count} points, {failed} not survived, {time.monotonic() - began:.0f} s")
    say(f"{points} points, {failures} not survived")
    return 1 if failures else 0


def _part(task: tuple[str, int, int, int, Path, Path]) -> tuple[str, int, int]:
    """Every so-manieth point of a command, beginning with the given one."""
    name, first, jobs, every, library, folder = task
    with tempfile.TemporaryDirectory(dir=folder) as own, forks(library, Path(own)) as running:
        case = case_of(COMMANDS[name], running, Path(own))
        points = list(faults_of(case.calls))[first * every :: jobs * every]
        failed = 0
        for problem in problems(case, points, running, Path(own) / "case"):
            say(f"  {name}: {problem}")
            failed += 1
        return name, len(points), failed


def say(line: str) -> None:
    """A line to standard output, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
