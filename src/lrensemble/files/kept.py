"""A file that is kept for somebody to read later, wherever there is room."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def keep_somewhere(content: bytes, name: str, suffix: str) -> Path | None:
    """Write a new file that nobody else can read; None where there is no room.

    It lies among the temporary files or in the home folder, and not in the current folder, which may be a pool.

    Args:
        content: of the file.
        name: how its name begins.
        suffix: how its name ends.
    """
    for folder in _rooms():
        try:
            descriptor, path = tempfile.mkstemp(suffix, name, folder)
        except OSError:
            continue
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
        except OSError:  # a full disk
            with contextlib.suppress(OSError):
                os.unlink(path)
            continue
        return Path(path)
    return None


def _rooms() -> Iterator[Path]:
    with contextlib.suppress(OSError):
        if not (temporary := Path(tempfile.gettempdir())).samefile(os.curdir):  # its last resort
            yield temporary
    with contextlib.suppress(OSError, RuntimeError):
        if not (home := Path.home()).samefile(os.curdir):
            yield home
