"""`lrensemble combine`: a stored team is applied to new predictions of its members."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Json, Plugins, RawFormulas, TableFile, TrustCode, import_given, people, print_json
from lrensemble.cli.printer import print_answer
from lrensemble.text.counted import counted


class CombinedRows(TypedDict):
    """What a team says of new rows."""

    members: list[str]
    """Names of the team's members."""
    columns: list[str]
    """Names of the cells of each row."""
    rows: list[list[str | int | float]]
    """Cells of each row: its id, the likeliest class, and the probability of every class; or values."""


EXAMPLES = ("lrensemble combine team.json test_a.csv test_b.csv --out submission.csv",)


def output() -> Any:
    """The combined predictions of every row."""
    return CombinedRows


def combine(
    team: Annotated[Path, typer.Argument(help="team.json of `lrensemble export --format team`, or a pool.")],
    files: Annotated[
        list[Path],
        typer.Argument(help="New predictions of the team's members, as `lrensemble collect` takes them; no truth."),
    ],
    out: TableFile = None,
    id_column: Annotated[
        str | None, typer.Option("--id", help="Column or array with the names of rows, which align the files.")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Columns or arrays of predictions, NAME,NAME.")] = None,
    kind: Annotated[
        Literal["probs", "logits", "log_probs", "top_k", "labels", "values", "gaussian"] | None,
        typer.Option("--kind", "--form", help="Form of the predictions, where it is not clear."),
    ] = None,
    method: Annotated[
        str | None, typer.Option("--method", "-m", help="Of a pool's teams, the one of this method.")
    ] = None,
    raw_formulas: RawFormulas = False,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    json: Json = False,
) -> None:
    """Apply a stored team to new predictions of its members."""
    from lrensemble.export.combined import combine_files
    from lrensemble.export.predictions import check_table_path
    from lrensemble.registry import close_gate
    from lrensemble.text import to_csv

    import_given(plugin)
    if not trust_code:
        close_gate(str(team))
    if out:
        check_table_path(out)
    combined = combine_files(
        team, files, kind=kind, id=id_column, columns=columns, method=method, trust_code=trust_code
    )
    for line in combined.reading:
        people.print(line, soft_wrap=True)
    if out:
        combined.save(out, raw_formulas=raw_formulas)
    head, *rows = combined.rows()
    if json:
        print_json(CombinedRows(members=list(combined.team.members), columns=list(map(str, head)), rows=rows))
    elif not out:
        print_answer(to_csv([head, *rows], raw_formulas=raw_formulas))
    size = f"{counted(len(rows), 'row')} by {counted(len(combined.team.members), 'member')}"
    people.print(f"{size}{f' to {out}' if out else ''}", soft_wrap=True)
