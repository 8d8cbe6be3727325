"""`lrensemble predict`: an exported ensemble predicts files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Json, Plugins, TrustCode, import_given, people, print_json
from lrensemble.cli.printer import print_answer


class Prediction(TypedDict):
    """Prediction for one row."""

    file: str
    row: int
    """Position in the file, from 0."""
    label: str
    """Name of the likeliest class."""
    probabilities: list[float]
    """Probabilities [class]."""


class Predicted(TypedDict):
    """Predictions for all rows of all files."""

    classes: list[str]
    """Names of the classes, in the order of the probabilities."""
    predictions: list[Prediction]


def output() -> Any:
    """Label and probabilities of every row."""
    return Predicted


def predict(
    ensemble: Annotated[Path, typer.Argument(help="Folder that `lrensemble export` made.")],
    files: Annotated[list[Path], typer.Argument(help="Images, .npz or .npy arrays, .parquet tables.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Write the table to this .csv or .parquet file; to standard output unless given."),
    ] = None,
    raw_formulas: Annotated[
        bool,
        typer.Option("--raw-formulas", help="Leave names that a spreadsheet takes for formulas as they are, in CSV."),
    ] = False,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    json: Json = False,
) -> None:
    """Predict the rows of files: label and the probability of every class."""
    from lrensemble.export import Ensemble
    from lrensemble.export.predictions import check_table_path, predict_files
    from lrensemble.registry import close_gate

    import_given(plugin)
    if not trust_code:
        close_gate(str(ensemble))
    if out:
        check_table_path(out)
    loaded = Ensemble.load(ensemble, trust_code=trust_code)
    with people.status("predicting"):
        predictions = predict_files(loaded, files)
    if out:
        predictions.save(out, raw_formulas=raw_formulas)
    if json:
        rows = [
            Prediction(file=file, row=row, label=label, probabilities=probabilities)
            for file, row, label, probabilities in predictions.records()
        ]
        print_json(Predicted(classes=list(predictions.classes), predictions=rows))
    elif not out:
        print_answer(predictions.to_csv(raw_formulas=raw_formulas))
    people.print(f"{len(predictions.rows):,} rows predicted{f' to {out}' if out else ''}", soft_wrap=True)
