"""CPU seconds of this program's processes, by what they do in a sweep."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress

import psutil

PARTS = ("workers", "workers, other threads", "program", "mailbox", "raylets", "head (GCS)", "other")


def cpu_seconds() -> Counter[str]:
    """CPU seconds so far of this process and of all that it has started, by part, and by process for the workers."""
    spent = Counter[str]({"program": sum(os.times()[:2])})
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            _add(spent, process)
    return spent


def _add(spent: Counter[str], process: psutil.Process) -> None:
    times, title, name = process.cpu_times(), " ".join(process.cmdline()), process.name()
    total = times.user + times.system
    if title.startswith("ray::Mailbox"):
        spent["mailbox"] += total
    elif title.startswith(("ray::do", "ray::IDLE")) or "multiprocessing.spawn" in title:
        main = next((each for each in process.threads() if each.id == process.pid), None)
        own = total if main is None else main.user_time + main.system_time
        spent["workers"] += own
        spent["workers, other threads"] += total - own
    elif name == "raylet":
        spent["raylets"] += total
    elif name == "gcs_server":
        spent["head (GCS)"] += total
    else:
        spent["other"] += total
