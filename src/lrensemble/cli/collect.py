"""`lrensemble collect`: predictions made elsewhere become a pool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Json, people, print_json, writable
from lrensemble.errors import ConfigError
from lrensemble.text.counted import counted


class Collected(TypedDict):
    """Pool that predictions were added to."""

    pool: str
    """Folder of the pool."""
    added: list[str]
    """Ids of new members."""
    skipped: list[str]
    """Ids of members that the pool had already."""
    rows: dict[str, int]
    """Number of rows by split."""


EXAMPLES = (
    "lrensemble collect model_a.csv model_b.csv --out pool",
    "lrensemble collect runs/*/val.npz --out pool --truth labels.csv:target",
)


def output() -> Any:
    """Members that were added."""
    return Collected


def collect(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files of predictions and the truth (.csv, .parquet, .json, .npz, .safetensors, .pt, …), or folders "
            "of one file a member or one folder a run."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the pool; made, or added to.", callback=writable)],
    truth: Annotated[
        str | None,
        typer.Option(help="Column or array of the truth; or the file that holds it, FILE or FILE:NAME."),
    ] = None,
    id_column: Annotated[
        str | None, typer.Option("--id", help="Column or array with the names of rows, which align the files.")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Columns or arrays of predictions, NAME,NAME.")] = None,
    test: Annotated[
        list[str] | None,
        typer.Option(
            help="A further test set, NAME=FILE: the same members' predictions on other rows, for `evaluate` alone; "
            "may be given several times.",
        ),
    ] = None,
    holdout: Annotated[
        float | None,
        typer.Option(help="Fraction of the rows to hold out as test rows, where the files bring none."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the division that --holdout makes.", min=0)] = 0,
    form: Annotated[
        Literal["probs", "logits", "log_probs", "top_k", "labels", "top1", "likelihood", "values", "gaussian"] | None,
        typer.Option(
            "--form",
            "--kind",
            help="Form of the predictions: the array to take where a file holds several; what a bare .npy file holds. "
            "`labels` are those that members predict, an array `top1`.",
        ),
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            help="File with the group of each row (.npy, or `groups` and `test_groups` of an .npz): rows of a group "
            "are never divided between folds, or between val and test."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Make a pool of predictions that were made elsewhere."""
    from lrensemble.pool.collect import collect as collect_predictions

    tests = _by_name(test or [])
    result = collect_predictions(
        files,
        out,
        truth=truth,
        id=id_column,
        columns=columns,
        tests=tests,
        holdout=holdout,
        seed=seed,
        form=form,
        groups=groups,
    )
    for line in result.reading:
        people.print(line, soft_wrap=True)
    rows = {split: len(result.pool.truth(split)) for split in result.pool.task.splits}
    if json:
        print_json(Collected(pool=str(out), added=list(result.added), skipped=list(result.skipped), rows=rows))
        return
    sizes = ", ".join(f"{count} {split}" for split, count in rows.items()) + " rows"
    for split in rows:
        if (group_of_row := result.pool.groups(split)) is not None:
            sizes += f", {len(set(group_of_row.tolist()))} {split} groups"
    added, there = counted(len(result.added), "member"), len(result.skipped)
    people.print(f"{added} added to {out}, {there} were there already ({sizes})", soft_wrap=True)


def _by_name(given: list[str]) -> dict[str, list[Path]]:
    """Files of test sets by name.

    Raises:
        ConfigError: one without a name or a file.
    """
    found: dict[str, list[Path]] = {}
    for each in given:
        name, _, file = each.partition("=")
        if not name or not file:
            raise ConfigError(f"--test {each} is refused; give NAME=FILE, such as v2=predictions-v2.npz")
        found.setdefault(name, []).append(Path(file))
    return found
