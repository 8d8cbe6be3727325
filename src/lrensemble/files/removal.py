"""Removing: one rename takes a file or folder out of sight, whole; what is left to do is done at the next start."""

from __future__ import annotations

import logging
from pathlib import Path

from lrensemble.errors import StorageError
from lrensemble.files.drafts import draft_of, erase
from lrensemble.files.inside import check_inside
from lrensemble.files.refused import storage_errors
from lrensemble.files.whole import sync_folder

logger = logging.getLogger(__name__)


def remove(path: Path) -> bool:
    """Remove a file, a folder with all that is in it, or a link and not what it leads to; False where there is nothing.

    Of several processes that remove the same, one is told that it did.

    Raises:
        StorageError: it cannot be removed, or lies behind a link inside a pool; then it is there as before.
    """
    draft = draft_of(path)
    with storage_errors("remove", path):
        check_inside(path)
        try:
            path.rename(draft)
        except (FileNotFoundError, NotADirectoryError):
            return False
        sync_folder(path.parent)
    erase(draft)
    return True


def discard(path: Path) -> None:
    """Remove what is of no more use; where that fails, it is said and nothing else happens."""
    try:
        remove(path)
    except StorageError as error:
        logger.warning("%s", error)
