"""`lrensemble merge`: the members of several pools of one task come into one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Json, people, print_json, writable
from lrensemble.text.counted import counted


class MergedPools(TypedDict):
    """Pool that members came into."""

    pool: str
    """Folder of the pool."""
    added: list[str]
    """Ids of new members."""
    skipped: list[str]
    """Ids of members that it had already."""


EXAMPLES = ("lrensemble merge pool other --out both",)


def output() -> Any:
    """Members that were added."""
    return MergedPools


def merge(
    pools: Annotated[list[Path], typer.Argument(metavar="POOL POOL…", help="Folders of pools of the same rows.")],
    out: Annotated[Path, typer.Option(help="Folder of the pool; made, or added to.", callback=writable)],
    json: Json = False,
) -> None:
    """Put the members of several pools into one; the pools stay as they are."""
    from lrensemble.pool import Pool, merge_pools

    done = merge_pools(out, [Pool.open(folder) for folder in pools])
    if json:
        print_json(MergedPools(pool=str(out), added=list(done.added), skipped=list(done.skipped)))
        return
    people.print(
        f"{counted(len(done.added), 'member')} came to {out}, {len(done.skipped)} were there already", soft_wrap=True
    )
