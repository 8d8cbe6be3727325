"""`lrensemble predict`: an exported ensemble predicts files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lrensemble.cli.console import Json, Plugins, import_given, people, print_json


def predict(
    ensemble: Annotated[Path, typer.Argument(help="Folder that `lrensemble export` made.")],
    files: Annotated[list[Path], typer.Argument(help="Images, .npz or .npy arrays, .parquet tables.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Write the table to this .csv or .parquet file; to standard output unless given."),
    ] = None,
    trust_code: Annotated[
        bool, typer.Option("--trust-code", help="Import the code that the ensemble asks for.")
    ] = False,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Predict the rows of files: label and the probability of every class."""
    from lrensemble.export import Ensemble
    from lrensemble.export.predictions import check_table_path, predict_files

    import_given(plugin)
    if out:
        check_table_path(out)
    loaded = Ensemble.load(ensemble, trust_code=trust_code)
    with people.status("predicting"):
        predictions = predict_files(loaded, files)
    if out:
        predictions.save(out)
    if json:
        keys = ("file", "row", "label", "probabilities")
        records = [dict(zip(keys, record, strict=True)) for record in predictions.records()]
        print_json({"classes": predictions.classes, "predictions": records})
    elif not out:
        sys.stdout.write(predictions.to_csv())
    people.print(f"{len(predictions.rows):,} rows predicted{f' to {out}' if out else ''}", soft_wrap=True)
