"""`lrensemble rm`: members leave a pool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Json, people, print_json


class Removed(TypedDict):
    """Outcome of the removal."""

    removed: list[str]
    """Ids of removed members."""
    gone: list[str]
    """Ids that are not in the pool."""
    stale: dict[str, str]
    """Reason why a team must be chosen again, by its file."""


EXAMPLES = ("lrensemble rm pool 5f0c",)


def output() -> Any:
    """Members that were removed, and teams that are stale."""
    return Removed


def rm(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool.")],
    members: Annotated[
        list[str],
        typer.Argument(metavar="MEMBER…", help="Ids, as `lrensemble ls POOL` shows them, beginnings of ids, or names."),
    ],
    json: Json = False,
) -> None:
    """Remove members from a pool; teams that were chosen with them must be chosen again."""
    from lrensemble.evaluate import stale
    from lrensemble.pool import Pool, remove_members

    opened = Pool.open(pool)
    done = remove_members(opened, members)
    outdated = {str(path): reason for path, reason in stale(opened).items()}
    if json:
        print_json(Removed(removed=list(done.removed), gone=list(done.gone), stale=outdated))
        return
    for member, name in done.removed.items():
        people.print(f"removed {member} ({name})" if name != member else f"removed {member}", soft_wrap=True)
    for given in done.gone:
        people.print(f"{given} is not in {pool}: there is nothing to remove", soft_wrap=True)
    for reason in outdated.values():
        people.print(f"stale: {reason}", soft_wrap=True)
