"""`lrensemble run`: the whole chain, from an experiment to a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    ShardOf,
    load,
    run_folder,
    status_of,
    train,
)

if TYPE_CHECKING:
    from lrensemble.config import SelectSettings
    from lrensemble.evaluate import Result, Team
    from lrensemble.evaluate.benchmarks import Benchmarks
    from lrensemble.front.judge import Judge
    from lrensemble.pool import Pool
    from lrensemble.spec import SpecLike


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
    shard: ShardOf = None,
    log: Log = None,
    plugin: Plugins = None,
    format: Format = "table",  # noqa: A002 – the option's name
    json: Json = False,
) -> None:
    """Train a pool, choose teams, and judge what they gain."""
    from lrensemble.front.benchmarks import questions_of_experiment
    from lrensemble.front.foreign import foreign_of, predict_foreign
    from lrensemble.front.judge import Judge
    from lrensemble.train.execution.jobs import refuse_sharded

    refuse_sharded(execution)
    folder = out or run_folder(experiment)
    settings = load(experiment, data, epochs, plugin)
    chosen = settings.select
    check_names(chosen.methods, chosen.metric, chosen.consensus)  # before hours of training, not after
    questions, foreign = questions_of_experiment(settings), foreign_of(settings)
    how = How(
        device=device,
        save_steps=save_steps,
        execution=execution,
        group_size=group_size,
        reproducible=reproducible,
        hours=hours,
        loggers=log or (),
        shard=shard,
    )
    judge = Judge(folder)
    pool, ended, missing, elsewhere = train(settings, folder / "pool", how)
    if missing and not pool.members():
        people.print("no run has finished yet: there is nothing to choose from")
        raise typer.Exit(status_of(ended, missing))
    if elsewhere:
        people.print("the last shard to end chooses teams and judges them")
        raise typer.Exit(status_of(ended, missing))
    methods = chosen.methods if "methods" in chosen.model_fields_set else default_methods(pool)
    result, found = _judge(
        judge,
        pool,
        methods,
        chosen,
        folder,
        data,
        lambda teams: predict_foreign(pool, teams, foreign),
        lambda: None if questions is None else benchmark_into(pool, questions, folder, device),
    )
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
    not_run = result.not_run.keys() & {str(spec) for spec in methods}
    raise typer.Exit(status_of(ended, missing) or (1 if not_run else 0))


def _judge(
    judge: Judge,
    pool: Pool,
    methods: Sequence[SpecLike],
    chosen: SelectSettings,
    folder: Path,
    data: Path | None,
    predicted: Callable[[Sequence[Team]], None],
    benchmarked: Callable[[], Benchmarks | None],
) -> tuple[Result, Benchmarks | None]:
    """Choose and judge, or wait for the process that does so; its result, where it is the same.

    Args:
        judge: of this process.
        pool: whose members are chosen from.
        methods: selectors.
        chosen: metric, consensus and seed.
        folder: of the result and the page.
        data: folder of the data set's files.
        predicted: has the judged team predict the foreign rows of the experiment.
        benchmarked: asks the benchmarks of the experiment, where it has some; what is there is read.
    """
    with judge.alone(pool, lambda line: people.print(line, soft_wrap=True)):
        if known := judge.found(pool, methods, chosen):
            return known, benchmarked()
        teams = choose_all(pool, methods, metric=chosen.metric, consensus=chosen.consensus, seed=chosen.seed)
        predicted(teams)
        result = evaluate_into(pool, folder / "result.json", teams.not_run, again=False)
        found = benchmarked()
        _write_page(pool, result, folder / "report.html", data)
    return result, found


def _write_page(pool: Pool, result: Result, path: Path, data: Path | None) -> None:
    """Write the report where plotly is installed; a run succeeds without it."""
    from lrensemble.errors import MissingExtraError

    try:
        write_page(pool, result, path, data)
    except MissingExtraError as error:
        people.warn(str(error), soft_wrap=True)
