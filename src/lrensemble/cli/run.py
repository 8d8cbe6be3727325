"""`lrensemble run`: the whole chain, from an experiment to a verdict."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrensemble.cli.benchmark import print_benchmarks
from lrensemble.cli.beside import dashboard_of
from lrensemble.cli.console import Format, Json, Plugins, form_of, people, progress_of, writable
from lrensemble.cli.evaluate import print_result
from lrensemble.cli.report import print_page, print_study
from lrensemble.cli.tune import (
    Dashboard,
    Data,
    Device,
    Epochs,
    Execution,
    ExecutorOf,
    GroupSize,
    Hours,
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
    from lrensemble.front.judge import Judged
    from lrensemble.pool import Member, Pool
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
        Path | None,
        typer.Option(help="Folder of pool/ and result.json; runs/EXPERIMENT unless given.", callback=writable),
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
    executor: ExecutorOf = None,
    log: Log = None,
    dashboard: Dashboard = False,
    plugin: Plugins = None,
    format: Format = "table",  # noqa: A002 – the option's name
    json: Json = False,
) -> None:
    """Train a pool, choose teams, and judge what they gain."""
    from lrensemble.front.judge import Judge
    from lrensemble.front.sweep import How
    from lrensemble.train.execution.jobs import refuse_sharded

    refuse_sharded(execution)
    folder = out or run_folder(experiment)
    settings = load(experiment, data, epochs, plugin)
    how = How(
        device=device,
        save_steps=save_steps,
        execution=execution,
        group_size=group_size,
        reproducible=reproducible,
        hours=hours,
        loggers=log or (),
        shard=shard,
        executor=executor,
    )
    judge = Judge(folder, settings)  # before hours of training, not after
    beside = dashboard_of(folder / "pool", plugin) if dashboard else None
    swept, pool = train(settings, folder / "pool", how, beside)
    if swept.missing and not pool.members():
        people.print("no run has finished yet: there is nothing to choose from")
        raise typer.Exit(status_of(swept.ended, swept.missing))
    if swept.elsewhere or (shard is not None and swept.missing):
        people.print("the last shard to end chooses teams and judges them")
        raise typer.Exit(status_of(swept.ended, swept.missing))
    judged = judge.judge(pool, device=device, tell=partial(people.print, soft_wrap=True), around=progress_of)
    form = form_of(format, json)
    if form == "table":
        people.print()
    print_result(judged.result, pool, form, brief=judged.page is not None)
    if judged.benchmarks is not None and form != "json":
        people.print()
        print_benchmarks(judged.benchmarks, form)
    if form == "table":
        people.print()
    _print_files(pool, judged, folder, settings.plugins)
    not_run = judged.result.not_run.keys() & {str(spec) for spec in settings.select.methods}
    raise typer.Exit(status_of(swept.ended, swept.missing) or (1 if not_run else 0))


def _print_files(pool: Pool, judged: Judged, folder: Path, plugins: Sequence[str]) -> None:
    """Print where all that was found lies, and how what the verdict is for is shipped, where its weights were kept.

    Args:
        pool: the members.
        judged: what was found.
        folder: of all that was written.
        plugins: modules that the experiment imports.
    """
    if judged.page is not None:
        print_page(pool, judged.page)
    print_study(judged.study)
    people.print(f"{folder / 'result.json'} holds all that was measured", soft_wrap=True)
    method, kept = judged.result.verdict.method, {each.id: each for each in pool.members() if each.has_weights}
    team = None if method is None else judged.result.teams[method]
    chosen = (judged.result.best_single.id,) if team is None else team.members
    if kept.keys() >= set(chosen):
        what = "the best single model" if team is None else "the team as one model"
        combined = () if team is None else (team.consensus,)
        modules = _modules_of([kept[name] for name in chosen], combined, plugins)
        given = [str(pool.folder), *(word for module in modules for word in ("--plugin", module))]
        people.print(f"to ship {what}: lrensemble export {shlex.join(given)}", soft_wrap=True)


def _modules_of(members: Iterable[Member], specs: Iterable[SpecLike], plugins: Iterable[str]) -> list[str]:
    """Modules that a command on a pool must be given anew: a folder alone makes nobody import any."""
    from lrensemble.registry import paths_in
    from lrensemble.spec import to_spec

    models = [member.recipe["model"] for member in members if member.recipe is not None]
    paths = [path for each in (*models, *specs) for path in paths_in(to_spec(each))]
    return list(dict.fromkeys([*plugins, *(path.partition(":")[0] for path in paths)]))
