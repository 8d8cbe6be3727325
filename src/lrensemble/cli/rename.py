"""`lrensemble rename`: a member of a pool gets another name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Json, people, print_json


class Renamed(TypedDict):
    """The member with its new name."""

    id: str
    name: str


EXAMPLES = ("lrensemble rename pool 5f0c 'the slow one'",)


def output() -> Any:
    """Id and name of the member."""
    return Renamed


def rename(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool.")],
    member: Annotated[str, typer.Argument(help="Id, the beginning of one, or the name that it has.")],
    name: Annotated[str, typer.Argument(help="The new name.")],
    json: Json = False,
) -> None:
    """Give a member another name; teams with it stay as they are."""
    from lrensemble.pool import Pool, rename_member

    found = rename_member(Pool.open(pool), member, name)
    if json:
        print_json(Renamed(id=found.id, name=found.name))
    else:
        people.print(f"{found.id} is called {found.name}", soft_wrap=True)
