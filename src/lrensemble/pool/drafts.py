"""Folders that are there whole or not at all: written as a draft beside their place, fsynced, renamed.

A `kill -9` leaves a draft behind. Its name says which process on which machine wrote it, so that it can be cleared
away at once where that process is dead, and never while it lives.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from lrensemble.files import storage_errors, sync_folder

STALE_SECONDS = 24 * 3600.0
"""A draft of another machine, whose processes cannot be asked for, is abandoned after a day: writing takes seconds."""

_NAME = re.compile(r"\.draft-(?P<machine>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{8}")


def write_folder(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Write a folder of files so that it is there whole or not at all; False where it was there first.

    Raises:
        StorageError: it cannot be written, or the disk is full; nothing is left behind.
    """
    name = f".draft-{_machine()}-{os.getpid()}-{secrets.token_hex(4)}"
    draft = folder.with_name(name)
    with storage_errors("write", folder):
        try:
            draft.mkdir(parents=True)
            for file_name, content in files.items():
                _write_synced(draft / file_name, content)
            sync_folder(draft)
            if not _rename(draft, folder):
                return False
            sync_folder(folder.parent)
            return True
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _rename(draft: Path, folder: Path) -> bool:
    """The operating system refuses to rename over a folder that holds something: the first of two writers wins."""
    try:
        draft.rename(folder)
    except OSError:
        if folder.is_dir():
            return False
        raise
    return True


def clear_abandoned(parent: Path) -> None:
    """Remove drafts that nobody is writing any more.

    Raises:
        StorageError: the folder cannot be read.
    """
    with storage_errors("read", parent):
        for path in parent.iterdir():
            if (match := _NAME.fullmatch(path.name)) and _abandoned(path, match["machine"], int(match["process"])):
                shutil.rmtree(path, ignore_errors=True)


def _abandoned(path: Path, machine: str, process: int) -> bool:
    try:
        old = time.time() - path.stat().st_mtime > STALE_SECONDS
    except FileNotFoundError:  # renamed or removed by its writer just now
        return False
    return old or (machine == _machine() and not _alive(process))


def _machine() -> str:
    """Where process numbers mean the same: the host and, on Linux, the container."""
    try:
        container = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        container = 0
    return hashlib.sha256(f"{platform.node()} {container}".encode()).hexdigest()[:8]


def _alive(process: int) -> bool:
    if os.name != "posix":  # there is no harmless question to ask elsewhere
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
