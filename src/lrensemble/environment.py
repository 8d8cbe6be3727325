"""What a result was made with: versions and machine, as recorded in every member and result."""

from __future__ import annotations

import functools
import os
import platform
from importlib import metadata
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
