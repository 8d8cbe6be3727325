"""Who has a claim: its folder's name and its age say it, to all who can read them."""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from lrensemble.files.drafts import file_system_now
from lrensemble.files.holder import PATTERN, Holder, alive, this_process
from lrensemble.files.inside import check_no_link
from lrensemble.files.refused import storage_errors

FREE = "free"
"""Beginning of the name of what a holder has left to the next one."""

NAME = re.compile(
    rf"(?P<holder>{PATTERN})-[0-9a-f]{{8}}\.(?P<lease>\d{{1,9}})s\.(?P<host>[\w-]*)|{FREE}-[0-9a-f]{{8}}", re.ASCII
)
threads: dict[str, int] = {}
"""Thread that has each claim of this process, by the name of the claim's folder."""


RECKON_SECONDS = 5.0
"""Seconds for which the clock of a file system is not asked again."""
_asked: dict[Path, tuple[float, float]] = {}
"""Time by the clock of a folder's file system, and the moment of `time.monotonic` when it was asked."""


@dataclass(frozen=True)
class Held:
    """Another process that has what was asked for."""

    host: str
    process: int

    def __str__(self) -> str:
        return f"process {self.process} on {self.host or 'an unknown host'}"


@dataclass(frozen=True)
class Seen:
    """A claim as it lies in a pool, that of a process or one that was left."""

    name: str
    """Name of what is claimed: the id of a run, say."""
    folder: Path
    holder: Held | None
    """None where it was left to whoever comes."""
    lease: int
    """Seconds; 0 where nobody has it."""
    silent: float
    """Seconds since it was last touched, by the clock of the file system."""
    alive: bool | None
    """Whether its process lives; None where it cannot be asked for, or where nobody has it."""

    @property
    def is_stale(self) -> bool:
        """Whether the next one who asks may take it over from its holder."""
        return self.holder is not None and (self.alive is False or self.silent > self.lease)


def claims_in(home: Path) -> list[Seen]:
    """All claims that lie in a folder, by name.

    Raises:
        StorageError: the folder cannot be read, or a link stands where a claim belongs.
    """
    with storage_errors("read", home):
        names = sorted(os.listdir(home)) if home.is_dir() else []
    found = [(name, folder) for name in names if not name.startswith(".") and (folder := look(home / name))]
    if not found:
        return []
    now = now_at(home)
    return [seen for name, folder in found if (seen := _seen(name, folder, now))]


def now_at(folder: Path) -> float:
    """Seconds by the clock of a folder's file system; by that of this machine where nothing can be written.

    Asked now and then, and reckoned in between: of many processes that look whether a claim still holds, none is to
    write a file for it. A machine that slept reckons with less time than there was, and so takes nothing from anybody.
    """
    asked = _asked.get(folder)
    if asked is None or time.monotonic() - asked[1] > RECKON_SECONDS:
        try:
            asked = file_system_now(folder), time.monotonic()
        except OSError:
            return time.time()
        _asked[folder] = asked
    return asked[0] + time.monotonic() - asked[1]


def _seen(name: str, folder: Path, now: float) -> Seen | None:
    match = NAME.fullmatch(folder.name)
    try:
        silent = now - folder.stat().st_mtime
    except OSError:  # taken over, left or ended just now
        return None
    if match is None or not match["holder"]:
        return Seen(name, folder, None, 0, silent, None)
    holder = holder_in(match)
    return Seen(name, folder, Held(match["host"], holder.process), int(match["lease"]), silent, alive(holder))


def holder_of(home: Path, name: str) -> Held | None:
    """Who has a name; None where nobody has it, or nobody who lives."""
    with storage_errors("read", home / name):
        found = look(home / name)
        return held_by(found, home) if found else None


def look(place: Path) -> Path | None:
    """The claim that lies at a place, of a holder or free; of several, that of a holder."""
    try:
        names = [name for name in os.listdir(place) if NAME.fullmatch(name)]
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not names:
        return None
    found = place / min(names, key=lambda name: (name.startswith(FREE), name))
    check_no_link(found)
    return found


def held_by(found: Path, home: Path) -> Held | None:
    """The holder of a claim, as long as it holds."""
    match = NAME.fullmatch(found.name)
    if match is None or not match["holder"] or _is_own(found.name, holder := holder_in(match)):
        return None
    lives = alive(holder)
    if lives is not False and _age(found, home) <= int(match["lease"]):
        return Held(match["host"], holder.process)
    return None


def _is_own(name: str, holder: Holder) -> bool:
    """Whether a claim is that of this thread, or of one that has ended: nobody is at work on it while this one asks."""
    if holder != this_process():
        return False
    owner = threads.get(name)
    return owner in {None, threading.get_ident()} or owner not in {thread.ident for thread in threading.enumerate()}


def _age(found: Path, home: Path) -> float:
    """Seconds since a claim was touched."""
    try:
        return now_at(home) - found.stat().st_mtime
    except FileNotFoundError:  # taken over or left just now: look again later
        return 0.0


def holder_in(match: re.Match[str]) -> Holder:
    """The process that the name of a claim's folder tells of."""
    return Holder(match["machine"], int(match["process"]), int(match["started"]))
