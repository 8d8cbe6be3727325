"""Whether a folder can be shared: what claims need of a file system, asked of the one that is there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from lrensemble.files.drafts import draft_of, erase, file_system_now
from lrensemble.files.refused import storage_errors

MOUNTS = Path("/proc/mounts")
"""Table of what is mounted where, which Linux has."""

COPYING = {
    "blobfuse": "Azure Blob Storage",
    "blobfuse2": "Azure Blob Storage",
    "gcsfuse": "Google Cloud Storage",
    "geesefs": "an object store",
    "goofys": "Amazon S3",
    "mount-s3": "Amazon S3",
    "mountpoint-s3": "Amazon S3",
    "ossfs": "an object store",
    "rclone": "an object store",
    "s3fs": "Amazon S3",
}
"""File systems, by their types without `fuse.`, that copy where others rename, and what lies behind them: a copy is
not one act, and what a single process sees of it is in order."""

OF_ONE_MACHINE = frozenset(
    {"bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "ntfs3", "overlay", "ramfs", "reiserfs"}
    | {"tmpfs", "vfat", "xfs", "zfs"}
)
"""Types of file systems that one machine alone has, unless it serves them to others."""

TOLERANCE_SECONDS = 5.0
"""Difference between two times of a file system that may be its granularity, and the time that the calls take."""

Create = Callable[[Path], object]
Rename = Callable[[Path, Path], object]


def file_system_of(folder: Path, mounts: Path = MOUNTS) -> str:
    """Type of the file system that a folder lies on, such as `nfs4`; empty where the system does not tell.

    Args:
        folder: perhaps not there yet.
        mounts: the table to look in.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    place, found = folder.resolve(), ("", "")
    for line in lines:
        _, point, kind, *_ = [*line.split(" "), "", "", ""]
        at = Path(re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point))
        if (at == place or at in place.parents) and len(str(at)) >= len(found[0]):  # the last of those at one point
            found = str(at), kind
    return found[1]


def copies(kind: str) -> str | None:
    """What lies behind a type of file system that copies where others rename; None where it is no such type."""
    return COPYING.get(kind.removeprefix("fuse."))


def _create(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))


def broken_promises(folder: Path, create: Create = _create, rename: Rename = os.rename) -> list[str]:
    """What a file system does that claims cannot live with, tried in a folder; nothing where all is well.

    Args:
        folder: that is there, and can be written to.
        create: makes a file that must not be there yet.
        rename: renames a folder.

    Raises:
        StorageError: the folder cannot be written to.
    """
    with storage_errors("write", folder):
        tried = draft_of(folder / "probe")
        tried.mkdir()
        try:
            return [line for line in (_twice(tried, create), _over(tried, rename), _touched(tried)) if line]
        finally:
            erase(tried)


def _twice(folder: Path, create: Create) -> str | None:
    create(folder / "once")
    try:
        create(folder / "once")
    except FileExistsError:
        return None
    return "lets a file be created twice that may be created once"


def _over(folder: Path, rename: Rename) -> str | None:
    """Two folders with content, of which the second may take the place of the first under no circumstances."""
    for name in ("first", "second"):
        (folder / name).mkdir()
        (folder / name / name).touch()
    rename(folder / "first", folder / "place")
    if (folder / "first").exists() or not (folder / "place" / "first").exists():
        return "does not move a folder with what lies in it when it is renamed"
    try:
        rename(folder / "second", folder / "place")
    except OSError:
        if [path.name for path in (folder / "place").iterdir()] == ["first"]:
            return None
    return "renames a folder over another one that is not empty"


def _touched(folder: Path) -> str | None:
    """A folder that was touched just now must have a time by the same clock as a new file."""
    os.utime(folder / "place", (0, 0))
    os.utime(folder / "place")
    seconds = abs(file_system_now(folder) - (folder / "place").stat().st_mtime)
    if seconds <= TOLERANCE_SECONDS:
        return None
    return f"gives files that were made and touched in one moment times that are {seconds:.0f} s apart"
