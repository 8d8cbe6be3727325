"""A team as a small file: its members by name, their weights and the fitted consensus, without any network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from lrensemble.config.records import SpecField
from lrensemble.evaluate import Team
from lrensemble.export.chosen import chosen_team
from lrensemble.export.description import Description
from lrensemble.export.formats import FORMATS, Saved
from lrensemble.files import seal, write_whole
from lrensemble.pool import Pool
from lrensemble.pool.place import is_pool
from lrensemble.pool.sealed import unseal
from lrensemble.registry import known_paths_only, require_known_paths
from lrensemble.spec import to_spec
from lrensemble.targets import OfTarget


class TeamFile(OfTarget):
    """All that is needed to combine new predictions of the same members."""

    task: str
    """Name of the task, for people."""
    members: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    """Names of the members, in the order of the weights."""
    weights: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(strict=False)]
    consensus: SpecField
    """Fitted consensus; its arguments hold what it learned."""
    method: str
    """Method that chose the team."""


def team_file(pool: Pool, team: Team) -> TeamFile:
    """The file of a pool's team."""
    names = {member.id: member.name for member in pool.members()}
    return TeamFile(
        task=pool.task.name,
        target=pool.task.target,
        members=tuple(names[each] for each in team.team),
        weights=team.weights,
        consensus=to_spec(team.consensus),
        method=team.method,
    )


def write_team(team: TeamFile, path: Path) -> None:
    """Write it, with a checksum.

    Raises:
        StorageError: it cannot be written.
    """
    write_whole(path, seal(team.model_dump(mode="json")))


def read_team(path: Path, *, method: str | None = None, trust_code: bool = False) -> TeamFile:
    """The team of a file that `write_team` wrote, or of a pool: the judged one, or that of a method.

    Raises:
        PoolError: it is no such file, or damaged.
        ExportError: a pool without a team.
        UntrustedError: a consensus that is code, and is not trusted.
        StorageError: it cannot be read.
    """
    if is_pool(path):
        pool = Pool.open(path, trust_code=trust_code)
        team = team_file(pool, chosen_team(pool, method))
    else:
        team = unseal(TeamFile, path)
    require_known_paths(str(path), team.consensus, trust_code=trust_code)
    with known_paths_only(str(path), trust_code=trust_code):
        return team


@FORMATS.register(suffix=".json", of=("networks", "adapters"))
def team(ensemble: Saved, path: Path) -> None:
    """A small file for `lrensemble combine`: members by name, weights and consensus; no network is needed.

    Adapters are small themselves: of these it is the folder that `bundle` writes.

    Args:
        ensemble: to export.
        path: of the file, or of the folder.

    Raises:
        ExportError: there is something in the folder.
        StorageError: it cannot be written.
    """
    given = getattr(ensemble, "description", None)
    if not isinstance(given, Description):
        ensemble.save(path)
        return
    write_team(
        TeamFile(
            task=given.task,
            target=given.target,
            members=tuple(part.name for part in given.parts),
            weights=given.weights,
            consensus=given.consensus,
            method=given.method,
        ),
        path,
    )
