"""`lrensemble benchmark`: the language models of a pool are asked multiple-choice questions, and its team is judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrensemble.cli.console import (
    Form,
    Format,
    Json,
    Plugins,
    TrustCode,
    answers,
    form_of,
    import_given,
    open_pool,
    people,
    print_json,
    print_tables,
    progress_of,
    registered,
    writable,
)
from lrensemble.cli.evaluate import table_of

if TYPE_CHECKING:
    from lrensemble.evaluate.benchmarks import Benchmarks
    from lrensemble.front.benchmarks import Questions
    from lrensemble.pool import Pool

EXAMPLES = (
    "lrensemble benchmark pool arc_easy openbookqa --data FOLDER",
    "lrensemble benchmark pool arc_easy --data FOLDER --test-rows 500 --out asked",
)


def output() -> Any:
    """The record in `benchmarks.json`."""
    from lrensemble.evaluate.benchmarks import Benchmarks

    return Benchmarks


def benchmark(
    pool: Annotated[Path, typer.Argument(help="Folder of a pool of language models.")],
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME…",
            help="Benchmarks, `lrensemble ls benchmarks`, with arguments if any.",
            autocompletion=registered("benchmarks"),
        ),
    ],
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the benchmarks' files; the hub is asked unless given.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of benchmarks/ and benchmarks.json; beside the pool unless given.", callback=writable
        ),
    ] = None,
    shots: Annotated[int, typer.Option(help="Solved examples before each question.", min=0, max=1000)] = 0,
    val_rows: Annotated[
        int | None, typer.Option(help="Validation questions of each at most; all unless given.", min=1)
    ] = None,
    test_rows: Annotated[
        int | None, typer.Option(help="Test questions of each test set at most; all unless given.", min=1)
    ] = None,
    normalisation: Annotated[
        str | None, typer.Option(help="How answers are compared: sum, characters, tokens or unconditional.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps, or auto.")] = "cpu",
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    format: Format = "table",  # noqa: A002 – the option's name
    json: Json = False,
) -> None:
    """Ask a pool's language models multiple-choice questions, and judge its team there."""
    from lrensemble.config import BenchmarkSettings, to_record
    from lrensemble.front.benchmarks import folder_of, questions_of

    import_given(plugin)
    content = {
        "names": names,
        "folder": data,
        "shots": shots,
        "val_rows": val_rows,
        "test_rows": test_rows,
        "normalisation": normalisation,
    }
    # Before the pool is opened, which closes the gate for what it names: benchmarks are asked for here.
    questions = questions_of(to_record(BenchmarkSettings, content, "benchmark"))
    opened = open_pool(pool, None, trust_code)
    print_benchmarks(benchmark_into(opened, questions, folder_of(opened, out), device), form_of(format, json))


def benchmark_into(pool: Pool, questions: Questions, out: Path, device: str) -> Benchmarks:
    """Ask, judge, and write `benchmarks.json`, with a line of progress. Raises as the front door does."""
    from lrensemble.front.benchmarks import benchmark_into as into

    with progress_of("benchmarks"):
        return into(pool, questions, out, device=device)


def print_benchmarks(found: Benchmarks, form: Form) -> None:
    """Print scores and gains on every benchmark, and a sentence for each."""
    from lrensemble.evaluate.benchmarks import benchmark_tables

    if form == "json":
        print_json(found.model_dump(mode="json"))
        return
    print_tables([table_of(table) for table in benchmark_tables(found)], form)
    if form == "table":
        answers.print()
        if found.choice.method is None:
            line = "no team is judged: none was chosen (lrensemble select), or none beats the best single model"
            people.print(line, soft_wrap=True)
        for each in found.benchmarks.values():
            answers.print(each.text, soft_wrap=False)
