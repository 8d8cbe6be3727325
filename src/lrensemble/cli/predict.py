"""`lrensemble predict`: an exported ensemble predicts files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Json, Plugins, TrustCode, import_given, people, print_json
from lrensemble.cli.printer import print_answer

if TYPE_CHECKING:
    from lrensemble.export.predictions import Predictions


TableFile = Annotated[
    Path | None, typer.Option(help="Write the table to this .csv or .parquet file; to standard output unless given.")
]
RawFormulas = Annotated[
    bool,
    typer.Option("--raw-formulas", help="Leave names that a spreadsheet takes for formulas as they are, in CSV."),
]


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


class ValuesPrediction(TypedDict):
    """Prediction of values for one row."""

    file: str
    row: int
    """Position in the file, from 0."""
    values: list[float]
    """Values [output], in the units of the data."""
    std: list[float] | None
    """Standard deviations [output]; null where the members do not say how sure they are."""


class PredictedValues(TypedDict):
    """Predictions of values for all rows of all files."""

    outputs: list[str]
    """Names of the outputs, in the order of the values."""
    predictions: list[ValuesPrediction]


EXAMPLES = (
    "lrensemble predict ensemble images --out labels.csv",
    "lrensemble predict ensemble table.csv --strict",
)


def output() -> Any:
    """Label and probabilities of every row; or values, and their standard deviations."""
    return Predicted | PredictedValues


def predict(
    ensemble: Annotated[Path, typer.Argument(help="Folder that `lrensemble export` made.")],
    files: Annotated[
        list[Path],
        typer.Argument(help="Images, .npz or .npy arrays, .parquet or .csv tables; folders and patterns of such."),
    ],
    out: TableFile = None,
    raw_formulas: RawFormulas = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse rows far outside of what was trained on; else they are told.")
    ] = False,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    json: Json = False,
) -> None:
    """Predict the rows of files: label and the probability of every class, or values."""
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
        predictions = predict_files(loaded, files, strict=strict)
    if out:
        predictions.save(out, raw_formulas=raw_formulas)
    if json:
        print_json(record_of(predictions))
    elif not out:
        print_answer(predictions.to_csv(raw_formulas=raw_formulas))
    people.print(f"{len(predictions.rows):,} rows predicted{f' to {out}' if out else ''}", soft_wrap=True)


def record_of(predictions: Predictions) -> Predicted | PredictedValues:
    """Predictions ready for JSON."""
    names, width = list(predictions.target.names), predictions.target.width
    where = list(zip(predictions.files, predictions.rows, predictions.said.tolist(), strict=True))
    if not predictions.of_values:
        labelled = zip(where, predictions.labels, strict=True)
        return Predicted(
            classes=names,
            predictions=[
                Prediction(file=file, row=row, label=label, probabilities=probs)
                for (file, row, probs), label in labelled
            ],
        )
    return PredictedValues(
        outputs=names,
        predictions=[
            ValuesPrediction(file=file, row=row, values=said[:width], std=said[width:] if predictions.has_std else None)
            for file, row, said in where
        ],
    )
