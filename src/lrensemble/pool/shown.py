"""A pool and its members in a few words and in rows, for notebooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lrensemble.errors import LREnsembleError, PoolError
from lrensemble.pool.member import Member
from lrensemble.pool.task import Task
from lrensemble.registry import nearest


def headline_of(folder: Path, task: Task, read: Callable[[], Sequence[Member]]) -> str:
    """Number of members, and the task with its rows; that it is damaged, where they cannot be read."""
    try:
        members = read()
    except LREnsembleError as error:
        return f"damaged: {error}"
    finished = sum(member.status == "finished" for member in members)
    others = f" and {len(members) - finished} others" if finished < len(members) else ""
    rows = ", ".join(f"{split.size:,} {name}" for name, split in task.splits.items())
    return f"{finished} members{others} of {task.name} ({rows} rows) in {folder}"


def row_of(member: Member) -> dict[str, Any]:
    """Row of a member: what it is, its scores on `val`, and its cost."""
    scores = {f"val_{name}": value for name, value in member.scores.get("val", {}).items()}
    cost = {"parameters": member.parameters, "seconds": member.seconds}
    return {"id": member.id, "name": member.name, "status": member.status, "form": member.form, **scores, **cost}


def member_at(members: Sequence[Member], place: int | str, folder: Path) -> Member:
    """Member by its place, its id or its name.

    Raises:
        IndexError: no such place.
        PoolError: no such id or name, or several members of that name.
    """
    if isinstance(place, int):
        return members[place]
    found = [member for member in members if place in (member.id, member.name)]
    if len(found) != 1:
        hint = nearest(place, [member.name for member in members]) if members else ""
        raise PoolError(f"{folder} has {len(found) or 'no'} members {place!r}{'' if found else hint}")
    return found[0]
