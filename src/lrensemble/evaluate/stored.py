"""An evaluation that was written down, where it is still that of its pool."""

from __future__ import annotations

from collections.abc import Sequence

from lrensemble.environment import environment
from lrensemble.evaluate.result import Result
from lrensemble.evaluate.teams import Team
from lrensemble.pool import Pool

RESULT = "result.json"


def stored_result(pool: Pool, teams: Sequence[Team]) -> Result | None:
    """What `evaluate` would say of the pool and its teams, read from `result.json` in the pool's folder or beside it.

    None where no file is of the same version, members, rows and teams: members are never changed once they are there,
    so that an evaluation of the same is the same.
    """
    for path in (pool.folder / RESULT, pool.folder.resolve().parent / RESULT):
        try:
            result = Result.model_validate_json(path.read_bytes())
        except (OSError, ValueError):  # it is not there, or damaged, or another program's
            continue
        if _is_of(result, pool, teams):
            return result
    return None


def _is_of(result: Result, pool: Pool, teams: Sequence[Team]) -> bool:
    rows = {split: len(pool.labels(split)) for split in pool.task.splits}
    members = {(member.id, member.status) for member in pool.members(include_diverged=True)}
    known = {(team.method, team.metric, team.consensus, team.members, team.weights) for team in result.teams.values()}
    return (
        result.environment.get("lrensemble") == environment()["lrensemble"]
        and (result.task, result.rows) == (pool.task.name, rows)
        and {(member.id, member.status) for member in result.members} == members
        and all((team.method, team.metric, team.consensus, team.team, team.weights) in known for team in teams)
    )
