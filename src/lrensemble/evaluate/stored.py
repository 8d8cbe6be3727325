"""File of an evaluation, with a checksum, and whether it still belongs to its pool."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lrensemble.environment import environment
from lrensemble.errors import LREnsembleError, PoolError
from lrensemble.evaluate.measurements import LEARNED_NOTHING
from lrensemble.evaluate.ranges import unknown_metric, wrong_in_result
from lrensemble.evaluate.result import READ, UNSEALED, Result
from lrensemble.evaluate.teams import Team
from lrensemble.files import if_newer, read_json, seal, warn_once, write_whole
from lrensemble.pool import Pool
from lrensemble.pool.sealed import record_in
from lrensemble.registry import require_known_paths

RESULT = "result.json"
BEGINNING = b'{\n  "format": '
"""First bytes of the file."""


def write_result(result: Result, path: Path) -> None:
    """Write an evaluation, with a checksum.

    Raises:
        StorageError: it cannot be written.
    """
    write_whole(path, seal(result.model_dump(mode="json")))


def read_result(path: Path) -> Result:
    """An evaluation that `write_result` wrote.

    Raises:
        PoolError: no result, one of a format that is not known, a damaged one, numbers that cannot be, or a
            metric that nobody has registered here.
        StorageError: the file is missing, cannot be read, or is not JSON.
    """
    content = read_json(path)
    if not isinstance(content, dict) or "verdict" not in content:
        raise PoolError(f"{path} holds no evaluation; make one with lrensemble evaluate")
    known = content.get("format")
    sealed = known != UNSEALED or "checksum" in content
    if not sealed:
        warn_once(f"{path} is of an earlier version, without a checksum: no change would be noticed")
    elif known not in READ:
        formats, what = " and ".join(map(str, (UNSEALED, *READ))), if_newer(known, max(READ))
        raise PoolError(f"{path} has format {known!r}; this version of lrensemble reads {formats}{what}")
    result = record_in(Result, content, path, "evaluate again", sealed=sealed)
    if wrong := wrong_in_result(result):
        raise PoolError(f"{path} is damaged: {wrong}; evaluate again")
    if unknown := unknown_metric(*result.references, *(team.metric for team in result.teams.values())):
        raise PoolError(f"{path}: {unknown}, or evaluate again")
    return result


def stored_result(pool: Pool, teams: Sequence[Team]) -> Result | None:
    """Stored result that equals what `evaluate` would give, from `result.json` in the pool's folder or beside it.

    None where no file has the same version, members, rows and teams: members never change, so that an evaluation of the
    same is the same. A damaged file is skipped with a warning.
    """
    for path in (pool.folder / RESULT, pool.folder.resolve().parent / RESULT):
        if not _may_be_a_result(path):
            continue
        try:
            result = read_result(path)
            names = [name for team in result.teams.values() for name in (team.metric, team.consensus)]
            require_known_paths(str(path), *names, *result.references, trust_code=pool.trust_code)
        except LREnsembleError as error:
            warn_once(f"{error}; it is not used")
            continue
        if _is_of(result, pool, teams):
            return result
    return None


def _may_be_a_result(path: Path) -> bool:
    """Whether a file may be a result, whole or cut: beside a pool may lie one of another program."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return b'"verdict"' in content or content.startswith(BEGINNING[: len(content)])


def _is_of(result: Result, pool: Pool, teams: Sequence[Team]) -> bool:
    rows = {name: split.fingerprints() for name, split in pool.task.splits.items()}
    members = {member.id: member.status for member in pool.members(include_diverged=True)}
    known = {(team.method, team.metric, team.consensus, team.members, team.weights) for team in result.teams.values()}
    return (
        result.environment.get("lrensemble") == environment()["lrensemble"]
        and (result.task, result.fingerprints) == (pool.task.name, rows)
        and {member.id for member in result.members} == members.keys()
        and all(member.status in (members[member.id], LEARNED_NOTHING) for member in result.members)
        and all((team.method, team.metric, team.consensus, team.team, team.weights) in known for team in teams)
    )
