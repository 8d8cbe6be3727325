"""`lrensemble report`: one page that shows where the gain comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrensemble.cli.console import Json, people, print_json

if TYPE_CHECKING:
    from lrensemble.evaluate import Result
    from lrensemble.pool import Pool


def report(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool, with teams chosen by `lrensemble select`.")],
    out: Annotated[Path | None, typer.Option(help="The page; POOL/report.html unless given.")] = None,
    json: Json = False,
) -> None:
    """Write one self-contained page of tables and figures."""
    from lrensemble.evaluate import evaluate, load
    from lrensemble.pool import Pool

    opened = Pool.open(pool)
    path = out or pool / "report.html"
    with people.status("evaluating"):
        result = evaluate(opened, load(opened))
    write_page(opened, result, path)
    if json:
        print_json({"report": str(path)})


def write_page(pool: Pool, result: Result, path: Path) -> None:
    """Write the page and say where it is."""
    from lrensemble.report import write_report

    with people.status("writing the report"):
        write_report(pool, result, path)
    people.print(f"{path} shows where it comes from", soft_wrap=True)
