"""Changes to members that are there: another name, no weights any more; and members of other pools."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lrensemble.errors import ConfigError, PoolError
from lrensemble.files import discard, names_in, own_files, read_json, seal, storage_errors, write_folder, write_whole
from lrensemble.pool.listing import is_member, read_member
from lrensemble.pool.member import ADAPTER_CONFIG, MEMBER, Member
from lrensemble.pool.removal import find_member
from lrensemble.pool.sealed import damaged
from lrensemble.pool.store import Pool


@dataclass(frozen=True)
class Slimmed:
    """Members whose weights were dropped."""

    members: tuple[str, ...]
    """Their ids."""
    freed: int
    """Bytes."""


@dataclass(frozen=True)
class Merged:
    """Members that came from other pools."""

    added: tuple[str, ...]
    """Ids of new members."""
    skipped: tuple[str, ...]
    """Ids of members that the pool had already."""


def rename_member(pool: Pool, member: str, name: str) -> Member:
    """Give a member another name; its id stays, and with it the teams that it is in.

    Args:
        pool: the pool that holds it.
        member: id, the beginning of one, or the name that it has.
        name: the new name.

    Raises:
        ConfigError: a name that is empty or of several lines.
        PoolError: no such member, several, or a damaged one.
        StorageError: it cannot be written.
    """
    if not name.strip() or not name.isprintable():
        raise ConfigError(f"{name!r} is refused; a name of a member is one line of text")
    found = _own(pool, find_member(pool, member).id)
    return _rewritten(found.model_copy(update={"name": name.strip()}))


def drop_weights(pool: Pool, members: Collection[str]) -> Slimmed:
    """Drop the trained weights of members, or the files of their networks; predictions, scores and recipes stay, and
    with them every choice.

    Args:
        pool: the pool that holds them.
        members: ids; those without weights stay as they are.

    Raises:
        PoolError: a member is damaged.
        StorageError: a file cannot be written or removed.
    """
    dropped, freed = list[str](), 0
    for id_ in members:
        member = _own(pool, id_)
        learned = {member.name_of_weights}
        if member.adapter is not None:
            learned |= {ADAPTER_CONFIG}
        if member.network is not None and member.network.file is not None:
            learned |= {member.network.file}
        if learned & member.files.keys():
            kept = {name: digest for name, digest in member.files.items() if name not in learned}
            _rewritten(member.model_copy(update={"files": kept}))
            dropped.append(id_)
        for path in (member.folder / name for name in sorted(learned)):
            freed += _size_of(path)  # also where an earlier call was killed in between
            discard(path)
    return Slimmed(tuple(dropped), freed)


def _size_of(path: Path) -> int:
    """Bytes of a file; none where it has gone, perhaps by another process that drops the same."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def members_in_teams(pool: Pool) -> frozenset[str]:
    """Ids of the members that the teams stored in a pool have, stale or not.

    Raises:
        PoolError: a team's file is none.
        StorageError: one cannot be read.
    """
    found = set[str]()
    for path in own_files(pool.folder / "selections", r"[^.].*\.json"):
        content = read_json(path)
        team = content.get("team") if isinstance(content, dict) else None
        if not isinstance(team, list):
            raise damaged(path, "it is no team")
        found |= set(map(str, team))
    return frozenset(found)


def merge_pools(out: Path, pools: Sequence[Pool]) -> Merged:
    """Put the members of several pools of one task into one; the pools themselves stay as they are.

    Args:
        out: folder of the pool that they come into; made, or added to.
        pools: pools of the same rows and truth.

    Raises:
        PoolError: pools of other tasks, or a damaged member; nothing is added then.
        StorageError: a file cannot be read or written.
    """
    first = pools[0]
    for other in pools[1:]:
        if difference := first.task.difference(other.task):
            raise PoolError(f"{other.folder} is of another task than {first.folder}: {difference}; merge those of one")
    contents = {id_: content for pool in pools for id_, content in _contents(pool).items()}
    target = _made(out, first)
    added, skipped = list[str](), list[str]()
    for id_, folder in contents.items():
        files = {name: _bytes(folder / name) for name in (MEMBER, *_own_files(folder))}
        new = id_ not in target and write_folder(target.folder / "members" / id_, files)
        (added if new else skipped).append(id_)
    return Merged(tuple(added), tuple(skipped))


def _made(out: Path, like: Pool) -> Pool:
    """A pool of the same task, made or opened."""
    splits = like.task.splits
    per_row = {
        what: {split: found for split in splits if (found := getattr(like, what)(split)) is not None}
        for what in ("groups", "weights", "choices", "ids")
    }
    truth = {split: like.truth(split) for split in splits}
    return Pool.create(out, like.task, truth, **per_row)


def _contents(pool: Pool) -> Mapping[str, Path]:
    """Folders of the members by id, all of their files proven."""
    found = {}
    for member in pool.members(include_diverged=True):
        for name in member.files:
            member.file(name)
        found[member.id] = member.folder
    return found


def _own_files(folder: Path) -> list[str]:
    member = read_member(folder)
    return list(member.files) if member else []


def _bytes(path: Path) -> bytes:
    with storage_errors("read", path):
        return path.read_bytes()


def _own(pool: Pool, id: str) -> Member:  # noqa: A002
    """The member as it is written, whatever else shares its name.

    Raises:
        PoolError: there is none.
    """
    folder = pool.folder / "members" / id
    member = read_member(folder) if id in names_in(pool.folder / "members") and is_member(folder) else None
    if member is None:
        raise PoolError(f"{pool.folder} has no member {id!r}")
    return member


def _rewritten(member: Member) -> Member:
    write_whole(member.folder / MEMBER, seal(member.record()))
    return member
