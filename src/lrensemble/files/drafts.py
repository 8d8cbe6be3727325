"""Drafts: hidden names that say who writes, and that no reader takes for content.

A `kill -9` leaves a draft behind. It is cleared away by the next process that writes to its folder, once its writer is
gone, and never while it lives.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from lrensemble.files.holder import PATTERN, alive, read_holder, this_process
from lrensemble.files.inside import is_link

STALE_SECONDS = 3600.0
"""A draft whose writer cannot be asked for, as on another machine, is abandoned when nothing was added for so long."""

_DRAFT = re.compile(rf"\..*\.(?P<holder>{PATTERN})-[0-9a-f]{{8}}\.draft", re.DOTALL | re.ASCII)
_EARLIER = re.compile(r"\.draft-[0-9a-f]{8}-.+", re.DOTALL | re.ASCII)
"""As version 0.1.0 named them: some by their writer, some not."""


def draft_of(path: Path) -> Path:
    """A new name beside a path for what will take its place."""
    # Of a long name a part, for people: the whole may be as long as names can be.
    return path.with_name(f".{path.name[:32]}.{this_process()}-{secrets.token_hex(4)}.draft")


def is_draft(name: str) -> bool:
    """Whether a name is that of a draft, also of an earlier version."""
    return name.startswith(".") and (_DRAFT.fullmatch(name) or _EARLIER.fullmatch(name)) is not None


def clear_abandoned(*folders: Path, earlier: bool = False) -> None:
    """Remove the drafts in some folders that nobody is writing any more; links to folders are left alone.

    Args:
        folders: of the drafts.
        earlier: whether those of earlier versions go too, whose names might be somebody else's.
    """
    wanted = is_draft if earlier else _DRAFT.fullmatch
    for folder in folders:
        try:
            names = [] if is_link(folder) else os.listdir(folder)
        except OSError:  # it is not there, or not ours to look into: then there is nothing to clear
            continue
        for name in filter(wanted, names):
            if _abandoned(folder / name):
                erase(folder / name)


def clear_pool(root: Path) -> None:
    """Remove abandoned drafts in all folders of a pool that are written to."""
    states = root / "unfinished"
    clear_abandoned(root, *_folders(root), *([] if is_link(states) else _folders(states)), earlier=True)


@functools.cache
def clear_once(folder: Path, root: Path | None) -> None:
    """Remove abandoned drafts in a folder that is about to be written to and in its pool, once in a process's life."""
    clear_abandoned(folder)
    if root is not None:
        clear_pool(root)


def _folders(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir()]
    except OSError:
        return []


def erase(path: Path) -> None:
    """Remove a draft, file or folder, as far as that is possible; links in it are not followed."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not is_link(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def file_system_now(folder: Path) -> float:
    """The time by the clock of a folder's file system, which machines that share it agree on: seconds.

    Raises:
        OSError: nothing can be written there.
    """
    asked = draft_of(folder / "now")
    try:
        asked.touch(exist_ok=False)
        return asked.stat().st_mtime
    finally:
        erase(asked)


def _abandoned(path: Path) -> bool:
    match = _DRAFT.fullmatch(path.name)
    holder = read_holder(match["holder"]) if match else None
    lives = None if holder is None else alive(holder)
    return _is_stale(path) if lives is None else not lives


def _is_stale(path: Path) -> bool:
    try:
        changed = max(each.lstat().st_mtime for each in _with_content(path))
    except OSError:  # renamed or removed by its writer just now, or not ours
        return False
    try:
        now = file_system_now(path.parent)
    except OSError:  # nothing can be written there, and so nothing removed
        return False
    return now - changed > STALE_SECONDS


def _with_content(path: Path) -> Iterable[Path]:
    yield path
    if path.is_dir() and not is_link(path):
        yield from path.iterdir()
