"""Presence: `POOL/processes/<holder>.json`, a small file that a process leaves while it trains in a pool.

Nothing depends on it but what people are told, how large groups are made, and the warning that another process has
other versions or another clock: who may train what is said by claims alone.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lrensemble.config import Record
from lrensemble.environment import versions
from lrensemble.errors import ConfigError, LREnsembleError, StorageError
from lrensemble.files import (
    Holder,
    alive,
    check_no_link,
    file_system_now,
    make_folder,
    read_holder,
    remove,
    seal,
    storage_errors,
    this_process,
    write_whole,
)
from lrensemble.files.claims import BEATS, lease_seconds
from lrensemble.files.drafts import STALE_SECONDS
from lrensemble.files.held import now_at
from lrensemble.files.signs import remove_if_empty, touch
from lrensemble.pool.sealed import unseal

FOLDER = "processes"
"""Folder in that of the pool; it goes with the last file in it."""

EXPECTED = ("LRENSEMBLE_PROCESSES", "SLURM_ARRAY_TASK_COUNT", "SLURM_NTASKS")
"""Variables of the environment that say how many processes will be at work, the first that is set."""

ATTEMPTS = 10
"""Attempts to write into a folder that others remove when they leave it empty."""


class Presence(Record):
    """What a process says of itself."""

    host: str
    process: int
    began: str
    """Time in ISO 8601, UTC, by its own clock."""
    ahead: float
    """Seconds by which its clock was ahead of that of the file system."""
    lease: int
    """Seconds."""
    versions: dict[str, str]
    """Versions of Python and of the libraries that decide numbers."""
    shard: str | None = None
    """Its fixed part of the sweep, `1/8`, where it has one."""


@dataclass(frozen=True)
class Process:
    """A process that has left its file, as another one sees it."""

    holder: Holder
    said: Presence
    silent: float
    """Seconds since it was last heard of, by the clock of the file system; below zero where its files are of the
    future."""
    alive: bool | None
    """Whether it lives; None where it cannot be asked for, as on another machine."""

    def __str__(self) -> str:
        return f"process {self.said.process} on {self.said.host}"

    @property
    def is_at_work(self) -> bool:
        """Whether it was heard of within its lease, and is not known to be dead."""
        return self.alive is not False and self.silent <= self.said.lease


class OwnPresence:
    """Presence of this process; made by `joined`."""

    def __init__(self, path: Path, said: Presence) -> None:
        self._path, self._said = path, said
        self.ahead = said.ahead
        """Seconds by which the clock of this machine is ahead of that of the file system."""
        self._last = 0.0
        self._write()

    def beat(self) -> None:
        """Tell others that this process is at work; to be called often, it is cheap. What cannot be written is not
        told: nothing depends on it.
        """
        if time.monotonic() - self._last < self._said.lease / BEATS:
            return
        self._last = time.monotonic()
        if not touch(self._path):  # taken for dead while it was stopped
            with suppress(StorageError):
                self._write()

    def leave(self) -> None:
        """Remove the file, and the folder with the last one; once more where the system has refused it."""
        for _ in range(2):
            with suppress(StorageError):
                remove(self._path)
            if remove_if_empty(self._path.parent):
                break

    def _write(self) -> None:
        for attempt in range(ATTEMPTS):
            try:
                write_whole(self._path, seal(self._said.model_dump(mode="json")))
                break
            except StorageError:  # the folder was removed just now, by one that has left it
                if attempt == ATTEMPTS - 1 or self._path.parent.is_dir():
                    raise
        self._last = time.monotonic()


@contextmanager
def joined(pool: Path, shard: str | None = None) -> Iterator[OwnPresence]:
    """A block in which this process has its file in the folder of a pool; those of the dead are removed first.

    Raises:
        StorageError: it cannot be written.
    """
    folder = pool / FOLDER
    check_no_link(folder)
    for each in processes_in(pool):
        if each.alive is False or (each.alive is None and each.silent > max(STALE_SECONDS, each.said.lease)):
            with suppress(StorageError):
                remove(folder / f"{each.holder}.json")
    make_folder(pool)
    with storage_errors("write", pool):
        ahead = time.time() - file_system_now(pool)
    here = OwnPresence(
        folder / f"{this_process()}.json",
        Presence(
            host=platform.node(),
            process=os.getpid(),
            began=datetime.now(UTC).isoformat(timespec="seconds"),
            ahead=ahead,
            lease=lease_seconds(),
            versions=versions(),
            shard=shard,
        ),
    )
    try:
        yield here
    finally:
        here.leave()


def processes_in(pool: Path) -> list[Process]:
    """Processes that have left their files in a pool, this one not; what cannot be read is none."""
    try:
        names = sorted(os.listdir(pool / FOLDER))
    except OSError:
        return []
    found, now = list[Process](), None
    for name in names:
        holder = read_holder(name.removesuffix(".json")) if name.endswith(".json") else None
        if holder is None or holder == this_process():
            continue
        path = pool / FOLDER / name
        try:
            now = now_at(pool) if now is None else now
            silent = now - path.stat().st_mtime
            found.append(Process(holder, unseal(Presence, path), silent, alive(holder)))
        except (OSError, LREnsembleError):  # it has left just now, or says what a later version says
            continue
    return found


def expected(environment: Mapping[str, str] = os.environ) -> int:
    """Number of processes that the environment says will be at work; 1 where it does not say.

    Raises:
        ConfigError: it says no number.
    """
    for name in EXPECTED:
        if text := environment.get(name, "").strip():
            if text.isascii() and text.isdigit() and 0 < int(text) < 10**6:
                return int(text)
            if name == EXPECTED[0]:
                raise ConfigError(f"{name} = {text!r} is refused; give the number of processes, such as 8")
    return 1


def processes_at_work(pool: Path, *, first: bool = True) -> int:
    """Number of processes at work in a pool, this one among them; at first also those that the environment expects."""
    others = sum(each.is_at_work for each in processes_in(pool))
    return max(1 + others, expected() if first else 1)
