"""Lines at the end of a file that grows: what is told while it happens, and is never read as content."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from lrensemble.files.inside import check_inside, check_no_link
from lrensemble.files.refused import storage_errors


def append_line(path: Path, line: str) -> None:
    """Append a line to a file, which is made where it is missing; one write, so that the lines of several processes on
    one machine do not mix. It is not made durable: a power cut may take the last lines.

    Raises:
        StorageError: it cannot be written, the disk is full, or a link stands in its place inside a pool.
    """
    with storage_errors("write", path):
        check_inside(path)
        check_no_link(path)
        content = f"{line}\n".encode()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, 0o666)
        try:
            if os.write(descriptor, content) < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)
