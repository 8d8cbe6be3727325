"""What a result was made with: versions and machine, as recorded in every member and result."""

from __future__ import annotations

import functools
import os
import platform
import re
import shlex
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import TypedDict

LIBRARIES = ("lrensemble", "torch", "numpy", "numba", "scikit-learn")


class Machine(TypedDict):
    """The computer, without its devices."""

    system: str
    machine: str
    processor: str
    cores: int | None


def environment() -> dict[str, object]:
    """Versions of Python and of the libraries that decide numbers, the system, the processor and its cores."""
    return {**versions(), **machine()}


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide numbers, by name."""
    return {"python": platform.python_version(), **_versions()}


def machine() -> Machine:
    """The system, the processor and its cores."""
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        machine=platform.machine(),
        processor=_processor(),
        cores=os.cpu_count(),
    )


def cores() -> int:
    """Number of CPU cores that this process may use."""
    allowed: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def command() -> str | None:
    """Command line of this process, without passwords in addresses; None in a program of the user's or a notebook."""
    program = Path(sys.argv[0])
    if program.stem != "lrensemble" and program.parts[-2:] != ("lrensemble", "__main__.py"):
        return None
    return re.sub(r"(://[^\s/:@]*:)[^\s/@]+@", r"\1…@", shlex.join(["lrensemble", *sys.argv[1:]]))


@functools.cache
def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in LIBRARIES}


@functools.cache
def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor()
