"""`lrensemble export`: a pool's team becomes one thing to use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lrensemble.cli.console import Json, people, print_json


def export(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool, with teams chosen by `lrensemble select`.")],
    format: Annotated[str, typer.Option(help="bundle (a folder), onnx or torch (a file).")] = "bundle",  # noqa: A002
    method: Annotated[
        str | None, typer.Option("--method", "-m", help="Whose team; the one that the verdict judges unless given.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where to; beside the pool unless given.")] = None,
    json: Json = False,
) -> None:
    """Make one deployable ensemble of a pool's team."""
    from lrensemble.export import chosen_team, ensemble_of
    from lrensemble.export.formats import format_of
    from lrensemble.pool import Pool

    form = format_of(format)
    opened = Pool.open(pool)
    team = chosen_team(opened, method)
    place = out or pool.resolve().parent / f"ensemble{form.suffix}"
    with people.status(f"exporting {team.method}"):
        ensemble = ensemble_of(opened, team)
        form.write(ensemble, place)
    if json:
        print_json({"path": str(place), "format": format, "ensemble": ensemble.description.model_dump(mode="json")})
        return
    people.print(f"{place}: {team.method}, a team of {len(team.team)}, as {format}", soft_wrap=True)
