"""`lrensemble slim`: weights that nobody needs leave a pool, predictions stay."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Json, Plugins, TrustCode, open_pool, people, print_json
from lrensemble.text.counted import counted


class SlimmedPool(TypedDict):
    """Weights that were dropped."""

    members: list[str]
    """Ids of the members without weights from now on."""
    freed: int
    """Bytes."""


EXAMPLES = ("lrensemble slim pool --best 3 -m greedy",)


def output() -> Any:
    """Members whose weights were dropped."""
    return SlimmedPool


def slim(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool.")],
    best: Annotated[int, typer.Option(help="How many of the best members keep their weights in any case.", min=1)] = 5,
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method", "-m", help="Methods whose teams keep their weights, all chosen teams unless given; repeatable."
        ),
    ] = None,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    json: Json = False,
) -> None:
    """Drop the weights of members that no chosen team and none of the best needs; predictions stay."""
    from lrensemble.evaluate import slim as slim_pool

    done = slim_pool(open_pool(pool, plugin, trust_code), best, method or ())
    if json:
        print_json(SlimmedPool(members=list(done.members), freed=done.freed))
        return
    people.print(
        f"the weights of {counted(len(done.members), 'member')} are gone ({done.freed / 1e6:,.1f} MB), their "
        "predictions stay; chosen teams and the best members keep theirs, -m METHOD keeps those of its team alone",
        soft_wrap=True,
    )
