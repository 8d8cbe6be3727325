"""Stored teams, `POOL/selections/*.json`, with checksums.

A stored team names its members by id, so that it stays true when the pool grows.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from lrensemble.errors import PoolError
from lrensemble.evaluate.ranges import unknown_metric, wrong_in_team
from lrensemble.evaluate.teams import Team
from lrensemble.files import own_files, read_json, seal, warn_of_strangers, warn_once, write_whole
from lrensemble.pool import Pool
from lrensemble.pool.sealed import damaged, to_pool_record, unseal
from lrensemble.registry import require_known_paths
from lrensemble.spec import to_spec
from lrensemble.text.counted import counted

FOLDER = "selections"
NAME = r"[^.\s][^\s/]*-[0-9a-f]{8}\.json"


def save(pool: Pool, team: Team) -> Path:
    """Write a team to `POOL/selections/`, in place of an earlier one by the same method, metric and consensus.

    Raises:
        StorageError: it cannot be written.
    """
    path = pool.folder / FOLDER / _name(team)
    write_whole(path, seal(team.model_dump(mode="json")))
    return path


def load(pool: Pool) -> tuple[Team, ...]:
    """Teams in `POOL/selections/` that were chosen among exactly the members that the pool has now.

    Raises:
        PoolError: there are stored teams, and all of them are stale; a file is damaged, or needs a metric
            that nobody has registered here.
        StorageError: a file cannot be read, or is not JSON.
        UntrustedError: a team needs code that was not asked for.
    """
    everything = _stored(pool)
    outdated = stale(pool)
    if everything and len(outdated) == len(everything):
        raise PoolError(f"no team in {pool.folder} is of today's members: {next(iter(outdated.values()))}")
    kept = {path: team for path, team in everything.items() if path not in outdated}
    for path, team in kept.items():
        # Its method has chosen and is not asked again; it stays a name.
        require_known_paths(str(path), team.metric, team.consensus, trust_code=pool.trust_code)
        if unknown := unknown_metric(team.metric):
            raise PoolError(f"{path}: {unknown}")
    return tuple(kept.values())


def stale(pool: Pool) -> dict[Path, str]:
    """Reason why a stored team is stale, chosen among other members than the pool has now, by its file."""
    now = {member.id: member.name for member in pool.members()}
    found = {}
    for path, team in _stored(pool).items():
        came = [name for member, name in now.items() if member not in team.pool]
        gone = [member for member in dict.fromkeys((*team.pool, *team.team)) if member not in now]
        changes = [f"{len(came)} came ({came[0]}, …)" if len(came) > 1 else f"{came[0]} came"] if came else []
        changes += [f"{len(gone)} went ({gone[0]}, …)" if len(gone) > 1 else f"{gone[0]} went"] if gone else []
        if changes:
            again = f"choose again: lrensemble select {pool.folder} --method '{team.method}'"
            found[path] = (
                f"{team.method} was chosen among {counted(len(team.pool), 'member')}, and {' and '.join(changes)}; "
                f"{again}"
            )
    return found


def stored_teams(pool: Pool) -> tuple[Team, ...]:
    """All teams in `POOL/selections/`, those that are stale too.

    Raises:
        PoolError: a file is damaged.
    """
    return tuple(_stored(pool).values())


def _stored(pool: Pool) -> dict[Path, Team]:
    """All teams by their files, in the order of the file names; copies of a team's file are strangers."""
    folder = pool.folder / FOLDER
    found = {path: _read(path) for path in own_files(folder, NAME)}
    copies = {path for path, team in found.items() if path.name != _name(team) and folder / _name(team) in found}
    warn_of_strangers(folder, {path.name for path in copies})
    return {path: team for path, team in found.items() if path not in copies}


def _read(path: Path) -> Team:
    content = read_json(path)
    if isinstance(content, dict) and not {"format", "checksum"} & set(content):
        team = to_pool_record(Team, content, path)
        warn_once(f"{path.parent} holds teams of an earlier version, without a checksum: no change would be noticed")
    else:
        team = unseal(Team, path)
    if wrong := wrong_in_team(team):
        raise damaged(path, wrong)
    return team


def _name(team: Team) -> str:
    key = json.dumps([team.method, team.metric, to_spec(team.consensus).name])
    method = re.sub(r"[^\w.:-]", "-", to_spec(team.method).name)[:80]
    return f"{method}-{hashlib.sha256(key.encode()).hexdigest()[:8]}.json"
