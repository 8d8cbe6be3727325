"""Files and folders that are there whole or not at all: written beside their place, fsynced, renamed.

A `kill -9`, a full disk or a second process at the same moment leaves the old one or the new one, never half of one.
Nothing is written through a link that lies inside a pool.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lrensemble.errors import StorageError
from lrensemble.files.drafts import clear_once, draft_of, erase
from lrensemble.files.inside import check_inside, pool_above
from lrensemble.files.refused import storage_errors


def write_whole(path: Path, content: bytes, *, make: bool = True) -> None:
    """Write a file so that it is there whole or not at all, also after a crash.

    Args:
        path: where.
        content: all of it.
        make: whether its folder is made where it is missing.

    Raises:
        StorageError: the folder cannot be written to, or the disk is full; nothing is left behind.
    """
    with draft_file(path, make=make) as file:
        file.write(content)


@contextmanager
def draft_file(path: Path, *, make: bool = True) -> Iterator[BinaryIO]:
    """A file to write to, piece by piece, that is put in its place when all is written; its folder is made where it is
    missing, unless it is to be there. What is no file, such as a pipe, is written to as it is, and so is `/dev/stdout`,
    wherever that goes.

    Raises:
        StorageError: the folder cannot be written to, or the disk is full; nothing is left behind.
    """
    with storage_errors("write", path):
        descriptor = _descriptor_of(path)
        if descriptor is not None or _is_device(path):
            with path.open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb") as device:
                yield device
            return
        draft = _new_draft(path, make=make)
        try:
            with draft.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            erase(draft)
            raise
        sync_folder(path.parent)


def write_new(path: Path, content: bytes) -> bool:
    """Write a file unless there is one, whole; False where there is: of all that try at once, on all machines that
    share the folder, one succeeds.

    Raises:
        StorageError: it cannot be written.
    """
    with storage_errors("write", path):
        draft = _new_draft(path)
        try:
            _write_synced(draft, content)
            try:
                os.link(draft, path)
            except FileExistsError:
                return False
            except (OSError, AttributeError) as error:
                if getattr(error, "errno", errno.ENOSYS) not in _NO_LINKS:
                    raise
                return _write_first(path, content)
        finally:
            erase(draft)
        sync_folder(path.parent)
        return True


_MOST_LINKS = 40
"""Links from one to the next that a path may have, as in Linux."""

_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)
"""Error numbers of file systems without hard links."""


def _write_first(path: Path, content: bytes) -> bool:
    """Write a file unless it exists, without a hard link: a reader may see it before it is whole."""
    try:
        _write_synced(path, content)
    except FileExistsError:
        return False
    sync_folder(path.parent)
    return True


class DraftFolder:
    """A folder that is being written: files are added by name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        """Where it lies until it is put in its place, for those who name files themselves; they fsync what they add."""
        self.placed = False
        """Whether it has been put in its place; not where another was there first."""

    @contextmanager
    def file(self, name: str) -> Iterator[BinaryIO]:
        """A new file in it to write to, piece by piece; folders in its name are made."""
        path = self.path / name
        for parent in reversed(Path(name).parents[:-1]):  # one by one: a draft that was taken away is not made again
            (self.path / parent).mkdir(exist_ok=True)
        with path.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def draft_folder(folder: Path, *, within: Path | None = None) -> Iterator[DraftFolder]:
    """A folder to fill that is put in its place when all is written, unless there is one with content.

    Args:
        folder: where.
        within: where it lies until then, a folder that is there, on the same disk; beside its place unless given.

    Raises:
        StorageError: it cannot be written, or the disk is full; nothing is left behind.
    """
    with storage_errors("write", folder):
        draft = _new_draft(folder) if within is None else _new_draft(within / folder.name, make=False)
        filled = DraftFolder(draft)
        try:
            draft.mkdir()
            yield filled
            sync_folder(draft)
            filled.placed = _rename(draft, folder)
        finally:
            if not filled.placed:
                erase(draft)
        sync_folder(folder.parent)


def write_folder(folder: Path, files: Mapping[str, bytes], *, within: Path | None = None) -> bool:
    """Write a folder of files so that it is there whole or not at all; False where it was there first.

    It is written beside its place, or within another folder, as `draft_folder`.

    Raises:
        StorageError: it cannot be written, or the disk is full; nothing is left behind.
    """
    with draft_folder(folder, within=within) as draft:
        for name, content in files.items():
            with draft.file(name) as file:
                file.write(content)
    return draft.placed


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where they are missing.

    Raises:
        StorageError: it cannot be made, or a link stands in its place inside a pool.
    """
    with storage_errors("write", folder):
        check_inside(folder / "any")
        _make(folder)


def sync_folder(folder: Path) -> None:
    """Make a rename inside the folder durable, where the system can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders; and a folder may be written to and not be listed
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP):  # some shared file systems cannot
            raise
    finally:
        os.close(descriptor)


def _new_draft(path: Path, *, make: bool = True) -> Path:
    """The name of a draft in a folder that is there, is no link inside a pool, and holds no dead writer's drafts.

    Raises:
        StorageError: the path has no name of its own, as `.` has none.
    """
    if path.name in ("", ".."):
        raise StorageError(f"cannot write to {path}, which is a folder that is there; name a file or a folder in it")
    check_inside(path)
    if make:
        _make(path.parent)
    clear_once(path.parent.absolute(), pool_above(path))
    return draft_of(path)


def check_writable(path: Path) -> None:
    """Refuse a place that nothing can be written to, before the work whose result it is for.

    Args:
        path: of a file or a folder, there or not; what is missing above it would be made.

    Raises:
        StorageError: it would lie in a file, or in a folder that may not be written to.
    """
    with storage_errors("write", path):
        if _descriptor_of(path) is not None or _is_device(path):
            return
        own = path.absolute()
        home = next(each for each in (own, *own.parents) if each.is_dir() or (each != own and os.path.lexists(each)))
        if not home.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{home} is no folder")
        if not os.access(home, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, f"{home} may not be written to")


def _descriptor_of(path: Path) -> int | None:
    """The descriptor of this process that a path names, as `/dev/stdout` does: it may go to a file, which is not to be
    written anew, and its folder holds nothing else.
    """
    own = path.absolute()
    for _ in range(_MOST_LINKS):
        if os.path.realpath(own.parent) in ("/dev/fd", f"/proc/{os.getpid()}/fd"):
            return int(own.name) if own.name.isdigit() and pool_above(path) is None else None
        try:
            own = own.parent / own.readlink()
        except (OSError, ValueError):  # no link
            return None
    return None


def _is_device(path: Path) -> bool:
    """Whether something is there, perhaps behind a link, that is neither a file nor a folder."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) and pool_above(path) is None


def _make(folder: Path) -> None:
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        sync_folder(made.parent)


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
