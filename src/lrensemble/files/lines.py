"""Lines at the end of a file that grows: what is told while it happens, and is never read as content."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lrensemble.files.inside import check_inside, check_no_link
from lrensemble.files.refused import storage_errors

LOCK_SECONDS = 0.5
"""Seconds that a line waits for the lock of another machine's: who holds it may have been stopped, and nothing that
matters waits for a line."""


def append_line(path: Path, line: str) -> None:
    """Append a line to a file, which is made where it is missing, so that the lines of several processes do not mix.

    On one machine one write suffices for that. Machines that share a folder have their own idea of where a file ends,
    so that the write is made under a lock, as NFS and its like have it for all of them; where nobody grants one, or
    somebody keeps it, the line is written without. Half a line, which a kill may have left, is ended first.

    It is not made durable: a power cut may take the last lines.

    Raises:
        StorageError: it cannot be written, the disk is full, or a link stands in its place inside a pool.
    """
    with storage_errors("write", path):
        check_inside(path)
        check_no_link(path)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, 0o666)
        try:
            with _locked(descriptor):
                content = _end_of_half_a_line(descriptor) + f"{line}\n".encode()
                if os.write(descriptor, content) < len(content):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)


@contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    """Lock a file against the processes of all machines while the block lasts, if that can be had."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            if time.monotonic() < until:
                time.sleep(0.002)
                continue
        except OSError:  # no locks here
            pass
        break
    yield  # the lock goes when the file is closed


def _end_of_half_a_line(descriptor: int) -> bytes:
    """What has to come before a new line."""
    size = os.lseek(descriptor, 0, os.SEEK_END)
    if not size:
        return b""
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return b"" if os.read(descriptor, 1) == b"\n" else b"\n"
