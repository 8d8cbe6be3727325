"""Folders of `members/` that are members; all others are strangers (nothing of ours), and are skipped."""

from __future__ import annotations

import os
import re
from pathlib import Path

from lrensemble.errors import PoolError, StorageError
from lrensemble.files import names_in, warn_of_strangers
from lrensemble.pool.member import ADAPTER, HISTORY, ID_PATTERN, MEMBER, PREDICTIONS, WEIGHTS, Member
from lrensemble.pool.sealed import check_file, damaged, unseal

_ID = re.compile(ID_PATTERN)


def read_members(folder: Path) -> list[Member]:
    """Members in a folder, whatever pool they belong to; strangers are named in one warning.

    Raises:
        PoolError: a member is damaged.
        StorageError: the folder cannot be read.
    """
    found, strangers = [], []
    for name in names_in(folder):
        if member := read_member(folder / name):
            found.append(member)
        elif os.path.lexists(folder / name):
            strangers.append(name)
    warn_of_strangers(folder, strangers)
    return found


def read_member(folder: Path) -> Member | None:
    """The member in a folder; None where it is a stranger, a whole copy of another one, as file managers make them, or
    has just been removed.

    Raises:
        PoolError: it is damaged.
    """
    path = folder / MEMBER
    if _ID.fullmatch(folder.name) is None:
        return None
    if not path.is_file():
        if is_member(folder):
            raise damaged(path, "it is missing")
        return None
    try:
        member = unseal(Member, path).model_copy(update={"folder": folder})
    except StorageError:
        if folder.is_dir():
            raise
        return None
    if member.id == folder.name:
        return member
    try:
        for name, expected in member.files.items():
            check_file(folder / name, expected)
    except PoolError:
        raise damaged(path, f"it is of member {member.id}") from None
    return None


def is_member(folder: Path) -> bool:
    """Whether a folder is a member's, whole or damaged, by its name and what lies in it."""
    if _ID.fullmatch(folder.name) is None or not folder.is_dir():
        return False
    return any(os.path.lexists(folder / name) for name in (MEMBER, PREDICTIONS, WEIGHTS, ADAPTER, HISTORY))
