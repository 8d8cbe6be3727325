"""Members, and files of theirs, that another process takes away while they are read: that is no damage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lrensemble.errors import PoolError, StorageError
from lrensemble.files import read_json


@contextmanager
def gone_is_no_damage(record: Path, name: str, file: str) -> Iterator[None]:
    """Read a file of a member; where that fails because the member, or its weights, were removed since, say so.

    Args:
        record: path of the member's record; one rename takes its folder out of sight, whole.
        name: of the member.
        file: name of the file that is read.

    Raises:
        PoolError: the member has gone, or has no such file any more; or what the block raises.
    """
    try:
        yield
    except (PoolError, StorageError):
        folder = record.parent
        what = f"member {folder.name} ({name})"
        if not folder.is_dir():
            raise PoolError(
                f"{what} has gone: it was removed from {folder.parent.parent} while this command was at work; "
                "give the command again"
            ) from None
        if _was_dropped(record, file):
            raise PoolError(
                f"{what} has no {file} any more: it was dropped while this command was at work; give the command again"
            ) from None
        raise


def _was_dropped(record: Path, file: str) -> bool:
    """Whether the record of a member, as it is now, has a file no more."""
    try:
        found = read_json(record)
    except StorageError:
        return False
    return isinstance(found, dict) and isinstance(found.get("files"), dict) and file not in found["files"]
