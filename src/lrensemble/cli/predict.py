"""`lrensemble predict`: an exported ensemble predicts files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, NotRequired

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import (
    Json,
    Plugins,
    RawFormulas,
    TableFile,
    TrustCode,
    import_given,
    people,
    percent,
    print_json,
    registered,
)
from lrensemble.cli.printer import print_answer
from lrensemble.text.counted import counted

if TYPE_CHECKING:
    from lrensemble.export.predicting import Asked
    from lrensemble.export.predictions import Predictions


class Doubt(TypedDict):
    """Uncertainty of one row, in nats, where it was asked for."""

    entropy: NotRequired[float]
    """Predictive entropy."""
    mutual_information: NotRequired[float]
    """Mutual information of class and member: 0 where all members say the same."""


class Prediction(Doubt):
    """Prediction for one row."""

    file: str
    row: int
    """Position in the file, from 0."""
    label: str | None
    """Name of the likeliest class; null where its probability is below `--abstain`."""
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


class Answer(Doubt):
    """Answer to one question."""

    file: str
    row: int
    """Position in the file, from 0."""
    label: str | None
    """Letter of the answer; null where its probability is below `--abstain`."""
    answer: str
    """Text of the answer."""
    probabilities: list[float]
    """Probabilities [choice]; 0 where the question has fewer."""
    members: dict[str, str]
    """Letter that each member answers alone, by its name; empty unless asked for."""


class Answered(TypedDict):
    """Answers of a team of language models to all questions of all files."""

    choices: list[str]
    """Letters of the choices, in the order of the probabilities."""
    predictions: list[Answer]
    accuracy: float | None
    """Share of right answers, where the files say which are right."""


class Spread(NamedTuple):
    """Who predicts, where that is not this process, and what workers import."""

    executor: str
    plugins: tuple[str, ...]


EXAMPLES = (
    "lrensemble predict ensemble images --out labels.csv",
    "lrensemble predict ensemble - --disagreement --abstain 0.9 < rows.npz",
    "lrensemble predict team questions.jsonl --members",
)


def output() -> Any:
    """Label and probabilities of every row; or values, and their standard deviations; or answers to questions."""
    return Predicted | PredictedValues | Answered


def predict(
    ensemble: Annotated[Path, typer.Argument(help="Folder or ONNX file that `lrensemble export` made.")],
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Images, .npz or .npy arrays, .parquet or .csv tables, .jsonl rows, folders and patterns of such, or "
            "- for standard input; for language models .jsonl files of questions with their choices."
        ),
    ],
    out: TableFile = None,
    members: Annotated[bool, typer.Option("--members", help="Language models: what each member answers too.")] = False,
    normalisation: Annotated[
        str | None,
        typer.Option(help="Language models: compare answers by sum (default), characters, tokens or unconditional."),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="Language models: text before the answers, with {question} in it.")
    ] = None,
    base: Annotated[
        Path | None, typer.Option(help="Language models: folder of the base, where it lies elsewhere now.")
    ] = None,
    raw_formulas: RawFormulas = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse rows far outside of what was trained on; else they are told.")
    ] = False,
    disagreement: Annotated[
        bool,
        typer.Option(
            "--disagreement",
            help="Add how unsure the ensemble is of each row and how much its members disagree: predictive entropy and "
            "mutual information, in nats.",
        ),
    ] = False,
    abstain: Annotated[
        float | None, typer.Option(help="Give no label where the highest probability is below this.")
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            help="Who predicts: files and rows are spread over workers of processes(workers=4), ray, ….",
            autocompletion=registered("executors"),
        ),
    ] = None,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    json: Json = False,
) -> None:
    """Predict the rows of files: label and the probability of every class, or values; or answers to questions."""
    from lrensemble.errors import ConfigError
    from lrensemble.export.language import is_language_bundle
    from lrensemble.export.predicting import Asked
    from lrensemble.export.predictions import check_table_path
    from lrensemble.registry import close_gate

    import_given(plugin)
    if out:
        check_table_path(out)
    options = {"normalisation": normalisation, "prompt": prompt}
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if not trust_code and base is None:
        close_gate(str(ensemble))
    accuracy, asked = None, Asked(strict, disagreement, abstain)
    if is_language_bundle(ensemble):
        if executor is not None:
            raise ConfigError(f"--executor is not for teams of language models, and {ensemble} is one; leave it out")
        with people.status("predicting"):
            predictions, accuracy = _answered(ensemble, files, members, base, trust_code, {**given, "asked": asked})
    else:
        spread = None if executor is None else Spread(executor, tuple(plugin or ()))
        foreign = [*given, *(["members"] if members else []), *([] if base is None else ["base"])]
        predictions = _predicted(ensemble, files, trust_code, foreign, asked, spread)
    if out:
        predictions.save(out, raw_formulas=raw_formulas)
    if json:
        answers = predictions.target.kind == "choices" and "answer" in predictions.further
        print_json(answers_of(predictions, accuracy) if answers else record_of(predictions))
    elif not out:
        print_answer(predictions.to_csv(raw_formulas=raw_formulas))
    right = "" if accuracy is None else f"; {percent(accuracy)} % of the answers that are known are right"
    if none := int(predictions.abstained.sum()):
        right += f"; {none:,} without a label: no probability reaches {abstain:g}"
    rows = counted(len(predictions.rows), "row")
    people.print(f"{rows} predicted{f' to {out}' if out else ''}{right}", soft_wrap=True)


def _predicted(
    ensemble: Path, files: list[Path], trust_code: bool, given: list[str], asked: Asked, spread: Spread | None
) -> Predictions:
    from lrensemble.errors import ConfigError
    from lrensemble.export.predicting import predict_files
    from lrensemble.export.predictor import predictor_of

    if given:
        raise ConfigError(f"--{given[0]} is for teams of language models, and {ensemble} is none; leave it out")
    if spread is not None:
        from lrensemble.export.spread import predict_spread  # late: its workers are on devices of torch

        with people.status("predicting"):
            return predict_spread(ensemble, files, asked, **spread._asdict(), trust_code=trust_code)
    loaded = predictor_of(ensemble, trust_code=trust_code)
    with people.status("predicting"):
        return predict_files(loaded, files, asked)


def _answered(
    ensemble: Path, files: list[Path], members: bool, base: Path | None, trust_code: bool, options: dict[str, Any]
) -> tuple[Predictions, float | None]:
    from lrensemble.export.language import LanguageEnsemble
    from lrensemble.export.language.questions.answers import answer_files

    team = LanguageEnsemble.load(ensemble, base=base, trust_code=trust_code)
    found = answer_files(team, files, members=members, **options)
    return found.predictions, found.accuracy


def answers_of(predictions: Predictions, accuracy: float | None) -> Answered:
    """Answers to questions, ready for JSON."""
    columns = predictions.further
    names = {heading: heading.removeprefix("member:") for heading in columns if heading.startswith("member:")}
    where = zip(predictions.files, predictions.rows, predictions.labels, predictions.said.tolist(), strict=True)
    return Answered(
        choices=list(predictions.target.names),
        predictions=[
            Answer(
                file=file,
                row=row,
                label=label or None,
                answer=str(columns["answer"][place]),
                probabilities=probs,
                members={name: str(columns[heading][place]) for heading, name in names.items()},
                **_doubt(predictions, place),
            )
            for place, (file, row, label, probs) in enumerate(where)
        ],
        accuracy=accuracy,
    )


def record_of(predictions: Predictions) -> Predicted | PredictedValues:
    """Predictions ready for JSON."""
    names, width = list(predictions.target.names), predictions.target.width
    where = list(zip(predictions.files, predictions.rows, predictions.said.tolist(), strict=True))
    if not predictions.of_values:
        labelled = zip(where, predictions.labels, strict=True)
        return Predicted(
            classes=names,
            predictions=[
                Prediction(file=file, row=row, label=label or None, probabilities=probs, **_doubt(predictions, place))
                for place, ((file, row, probs), label) in enumerate(labelled)
            ],
        )
    return PredictedValues(
        outputs=names,
        predictions=[
            ValuesPrediction(file=file, row=row, values=said[:width], std=said[width:] if predictions.has_std else None)
            for file, row, said in where
        ],
    )


def _doubt(predictions: Predictions, place: int) -> Doubt:
    """Uncertainty of a row, where it was asked for."""
    return {
        heading: predictions.further[heading][place]
        for heading in Doubt.__annotations__
        if heading in predictions.further
    }  # type: ignore[return-value]  # floats
