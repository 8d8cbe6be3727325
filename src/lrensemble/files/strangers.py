"""Strangers in the house: what others put into the folders of a pool is named once, and passed over."""

from __future__ import annotations

import functools
import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path

from lrensemble.files.drafts import is_draft
from lrensemble.files.refused import storage_errors

logger = logging.getLogger(__name__)

SHOWN = 5
"""Names that a warning holds."""


def own_files(folder: Path, pattern: str) -> list[Path]:
    """The files in a folder of a pool whose whole name fits a regular expression, by name; the others are named once.

    Empty where there is no such folder.

    Raises:
        StorageError: the folder cannot be read.
    """
    names = names_in(folder) if os.path.lexists(folder) else []
    own = [name for name in names if re.fullmatch(pattern, name)]
    warn_of_strangers(folder, set(names) - set(own))
    return [folder / name for name in own]


def names_in(folder: Path) -> list[str]:
    """Entries of a folder without drafts, by name.

    Raises:
        StorageError: the folder cannot be read.
    """
    with storage_errors("read", folder):
        return sorted(name for name in os.listdir(folder) if not is_draft(name))


def warn_of_strangers(folder: Path, names: Iterable[str]) -> None:
    """Say of a folder, once in the life of a process, what in it is not of the pool."""
    if found := tuple(sorted(names)):
        _warn(folder, found)


@functools.cache
def warn_once(message: str) -> None:
    """Log a warning that would otherwise be said by everybody who reads the same."""
    logger.warning("%s", message)


def _warn(folder: Path, names: tuple[str, ...]) -> None:
    listed = ", ".join(repr(name) if name != name.strip() or not name.isprintable() else name for name in names[:SHOWN])
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    warn_once(f"{folder} also holds {listed}{more}, none of the pool's own; passed over")
