"""Nothing leaves its folder: a link inside a pool is never followed to write or to remove.

The pool itself may lie behind a link, and links may be read through.
"""

from __future__ import annotations

import os
from pathlib import Path

from lrensemble.errors import StorageError

MARK = "pool.json"
"""The file that makes a folder a pool."""


def check_inside(path: Path) -> None:
    """Refuse a place that lies behind a link inside a pool, of several around it the outermost.

    What lies at the path itself may be a link: it is replaced or removed, not followed.

    Raises:
        StorageError: a folder on the way from the pool to it is a link.
    """
    pool = pool_above(path)
    if pool is None:
        return
    above = list(path.absolute().parents)
    for folder in reversed(above[: above.index(pool)]):
        check_no_link(folder)


def pool_above(path: Path) -> Path | None:
    """The outermost pool that a path lies in, by its name alone."""
    return next((each for each in reversed(path.absolute().parents) if _is_pool(each)), None)


def check_no_link(path: Path) -> None:
    """Refuse a link where a folder or file of a pool belongs.

    Raises:
        StorageError: it is one.
    """
    if is_link(path):
        raise StorageError(
            f"{path} is a link, and links inside a pool are not followed to write or to remove; "
            "take it away, or put what it leads to in its place"
        )


def is_link(path: Path) -> bool:
    """Whether a path is a symbolic link, or what Windows calls a junction."""
    is_junction = getattr(os.path, "isjunction", None)
    return path.is_symlink() or (is_junction is not None and bool(is_junction(path)))


def _is_pool(folder: Path) -> bool:
    try:
        return os.path.lexists(folder / MARK)
    except (OSError, ValueError):
        return False
