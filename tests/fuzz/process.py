"""A command in a forked child: everything is imported already, so that an input costs what it costs and no start."""

from __future__ import annotations

import contextlib
import os
import resource
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.case import Arguments

GOOD_ENDINGS = (0, 1)
"""Exit statuses of a command that did what it was asked for."""

REFUSED = 2
"""That of a user's mistake, told in a line."""

SECONDS, WALL_SECONDS = 30.0, 300.0
"""Of computing, and by the clock, after which a command hangs."""
LONG_SECONDS, WAITING_SECONDS = 4.0, 20.0
"""Of computing, and by the clock, after which one that was asked for much, or serves, is interrupted."""
MORE_MEMORY = 3 * 2**30
"""Address space that a command may have beyond what the imports take."""
PEAK_MEMORY = 2**30
"""Memory that it may use beyond that."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    """Exit status; negative where a signal ended it."""
    stdout: str
    stderr: str
    seconds: float
    """By the clock."""
    memory: int
    """Bytes at its peak, beyond those of the parent."""
    interrupted: bool
    """Whether it was, for it took its time."""


def run(arguments: Arguments, folder: Path, logs: Path, *, long: bool = False) -> Ended:
    """Run a command in a folder, its output in files beside it."""
    began, before = time.monotonic(), _own_memory()
    child = os.fork()
    if not child:
        _be_the_child(arguments, folder, logs)
    status, usage, interrupted = _waited(child, began, long)
    out, err = ((logs / name).read_text("utf-8", "surrogateescape") for name in ("stdout", "stderr"))
    peak = max(0, usage.ru_maxrss * 1024 - before)
    return Ended(status, out, err, time.monotonic() - began, peak, interrupted)


def written(arguments: Arguments) -> str:
    """The command as it is typed."""
    head = ["python", "-m", "tests.fuzz.checks"] if arguments[0] == "-" else ["lrensemble"]
    return shlex.join([*head, *arguments[arguments[0] == "-" :]])


def _own_memory() -> int:
    """What the parent holds, which a child begins with."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _waited(child: int, began: float, long: bool) -> tuple[int, resource.struct_rusage, bool]:
    interrupted, pause = False, 0.002
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), usage, interrupted
        elapsed = time.monotonic() - began
        worked = _worked(child, elapsed) if elapsed > LONG_SECONDS else 0.0
        if long and not interrupted and (worked > LONG_SECONDS or elapsed > WAITING_SECONDS):
            os.kill(child, signal.SIGINT)
            interrupted = True
        if worked > SECONDS or elapsed > WALL_SECONDS:
            os.kill(child, signal.SIGKILL)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)


def _worked(child: int, elapsed: float) -> float:
    """Seconds that a process has computed: a busy machine makes nothing hang. By the clock where no file tells."""
    try:
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return elapsed


def _be_the_child(arguments: Arguments, folder: Path, logs: Path) -> None:
    status = 70
    try:
        for number, name in ((1, "stdout"), (2, "stderr")):
            descriptor = os.open(logs / name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.chdir(folder)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
        _limit_memory()
        sys.argv = ["lrensemble", *arguments]
        status = _status_of(_main_of(arguments))
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _main_of(arguments: Arguments) -> Callable[[], None]:
    if arguments[0] == "-":
        from tests.fuzz.checks import main as checks

        return lambda: checks(arguments[1:])
    from lrensemble.cli import main

    return main


def _status_of(main: Callable[[], None]) -> int:
    try:
        main()
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    return 0


def _limit_memory() -> None:
    """Where the system tells how much there is already."""
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + MORE_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
