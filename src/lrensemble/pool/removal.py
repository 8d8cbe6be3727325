"""Find members of a pool, and remove them: one rename each, so that a member is whole or not there at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lrensemble.errors import LREnsembleError, PoolError
from lrensemble.files import clear_pool, names_in, remove
from lrensemble.pool.listing import is_member, read_member
from lrensemble.pool.member import Member
from lrensemble.pool.store import Pool
from lrensemble.registry import nearest

GENERATED_ID = r"[0-9a-f]{12}"
"""Pattern of the ids that lrensemble generates."""


@dataclass(frozen=True)
class Removal:
    """Outcome of a removal."""

    removed: Mapping[str, str]
    """Names of the removed members by id, in the order given; a damaged member's name is its id."""
    gone: tuple[str, ...]
    """Ids that the pool does not have, perhaps no longer."""


def remove_members(pool: Pool, members: Sequence[str]) -> Removal:
    """Remove members with all their files, damaged ones too; nothing is removed unless everything given is understood.

    Teams that were chosen while they were there are stale from then on. The same call again finds nothing to do, also
    after a kill: an id in full whose member is not there is no mistake.

    Args:
        pool: pool that holds them.
        members: ids, the beginning of one that no other shares, or names that no other has.

    Raises:
        PoolError: a name that fits no member, or several.
        StorageError: one cannot be removed; those before it are gone.
    """
    clear_pool(pool.folder)
    folder = pool.folder / "members"
    names = {name: _name_of(pool, name) for name in names_in(folder) if is_member(folder / name)}
    found = [_find(given, names, str(pool.folder)) for given in members]
    removed, gone = {}, list[str]()
    for id, given in dict(zip(found, members, strict=True)).items():  # noqa: A001
        if id in names and remove(folder / id):
            removed[id] = names[id]
        else:
            gone.append(given)
    return Removal(removed, tuple(gone))


def find_member(pool: Pool, given: str) -> Member:
    """The member that is meant by an id, the beginning of one that no other shares, or a name that no other has;
    whether it is finished or not.

    Raises:
        PoolError: there is none, or several; or one is damaged.
    """
    members = {member.id: member for member in pool.members(include_diverged=True)}
    id_ = _find(given, {id_: member.name for id_, member in members.items()}, str(pool.folder))
    if id_ not in members:
        raise PoolError(f"{pool.folder} has no member {given!r}")
    return members[id_]


def _name_of(pool: Pool, id: str) -> str:  # noqa: A002
    try:
        member = read_member(pool.folder / "members" / id)
    except LREnsembleError:  # damaged: it can go by its id
        return id
    return id if member is None else member.name


def _find(given: str, names: Mapping[str, str], pool: str) -> str:
    """Id of the member that is meant by an id, the beginning of one, or a name."""
    if given in names:
        return given
    for fits in (
        [id for id, name in names.items() if name == given],  # noqa: A001
        [id for id in names if given and id.startswith(given)],  # noqa: A001
    ):
        if len(fits) > 1:
            raise PoolError(f"{given!r} fits {len(fits)} members of {pool}: {_listed(fits)}; give an id")
        if fits:
            return fits[0]
    if re.fullmatch(GENERATED_ID, given):
        return given
    raise PoolError(f"{pool} has no member {given!r}{nearest(given, [*names.values(), *names])}")


def _listed(ids: Iterable[str]) -> str:
    first = list(ids)
    return ", ".join(first[:5]) + (", …" if len(first) > 5 else "")
