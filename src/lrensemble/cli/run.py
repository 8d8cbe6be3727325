"""`lrensemble run`: the whole chain, from an experiment to a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrensemble.cli.benchmark import benchmark_into, print_benchmarks
from lrensemble.cli.console import Format, Json, Plugins, form_of, people
from lrensemble.cli.evaluate import evaluate_into, print_result
from lrensemble.cli.report import write_page
from lrensemble.cli.select import check_names, choose_all, default_methods
from lrensemble.cli.tune import (
    Data,
    Device,
    Epochs,
    Execution,
    GroupSize,
    Hours,
    How,
    Log,
    Name,
    Reproducible,
    SaveSteps,
    load,
    run_folder,
    status_of,
    train,
)

if TYPE_CHECKING:
    from lrensemble.evaluate import Result
    from lrensemble.pool import Pool


EXAMPLES = (
    "lrensemble run digits",
    "lrensemble run experiment.toml --data FOLDER --device gpus",
)


def output() -> Any:
    """The record in `result.json`."""
    from lrensemble.evaluate import Result

    return Result


def run(
    experiment: Name,
    out: Annotated[
        Path | None, typer.Option(help="Folder of pool/ and result.json; runs/EXPERIMENT unless given.")
    ] = None,
    data: Data = None,
    epochs: Epochs = None,
    device: Device = "cpu",
    save_steps: SaveSteps = None,
    execution: Execution = "auto",
    group_size: GroupSize = None,
    reproducible: Reproducible = False,
    hours: Hours = None,
    log: Log = None,
    plugin: Plugins = None,
    format: Format = "table",  # noqa: A002 – the option's name
    json: Json = False,
) -> None:
    """Train a pool, choose teams, and judge what they gain."""
    from lrensemble.front.benchmarks import questions_of_experiment

    folder = out or run_folder(experiment)
    settings = load(experiment, data, epochs, plugin)
    chosen = settings.select
    check_names(chosen.methods, chosen.metric, chosen.consensus)  # before hours of training, not after
    questions = questions_of_experiment(settings)
    how = How(
        device=device,
        save_steps=save_steps,
        execution=execution,
        group_size=group_size,
        reproducible=reproducible,
        hours=hours,
        loggers=log or (),
    )
    pool, ended, missing = train(settings, folder / "pool", how)
    if missing and not pool.members():
        people.print("no run has finished yet: there is nothing to choose from")
        raise typer.Exit(status_of(ended, missing))
    methods = chosen.methods if "methods" in chosen.model_fields_set else default_methods(pool)
    teams = choose_all(pool, methods, metric=chosen.metric, consensus=chosen.consensus, seed=chosen.seed)
    result = evaluate_into(pool, folder / "result.json", teams.not_run, again=False)
    found = None if questions is None else benchmark_into(pool, questions, folder, device)
    _write_page(pool, result, folder / "report.html", data)
    form = form_of(format, json)
    if form == "table":
        people.print()
    print_result(result, pool, form)
    if found is not None and form != "json":
        people.print()
        print_benchmarks(found, form)
    if form == "table":
        people.print()
        people.print(f"{folder / 'result.json'} holds all of this and more", soft_wrap=True)
    raise typer.Exit(status_of(ended, missing) or (1 if teams.not_run else 0))


def _write_page(pool: Pool, result: Result, path: Path, data: Path | None) -> None:
    """Write the report where plotly is installed; a run succeeds without it."""
    from lrensemble.errors import MissingExtraError

    try:
        write_page(pool, result, path, data)
    except MissingExtraError as error:
        people.warn(str(error), soft_wrap=True)
