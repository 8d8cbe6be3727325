"""`lrensemble study`: several pools at equal cost, trained and compared."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrensemble.cli.console import (
    Form,
    Format,
    Json,
    Plugins,
    answers,
    form_of,
    names_of,
    people,
    print_json,
    print_tables,
    writable,
)
from lrensemble.cli.evaluate import table_of
from lrensemble.cli.tune import (
    Data,
    Device,
    Execution,
    GroupSize,
    Log,
    Reproducible,
    SaveSteps,
    status_of,
    terminated,
)

if TYPE_CHECKING:
    from lrensemble.evaluate.study import Comparison
    from lrensemble.studies import Pools, StudyEvent
    from lrensemble.train import Ended


def _studies() -> list[str]:
    from lrensemble.config.shipped import STUDIES, shipped

    return shipped(STUDIES)


EXAMPLES = (
    "lrensemble study digits",
    "lrensemble study my-study.toml --out study --device cuda",
)


def output() -> Any:
    """The record in `study.json`."""
    from lrensemble.evaluate.study import Comparison

    return Comparison


def study(
    study: Annotated[
        str,
        typer.Argument(help="A .toml file, or the name of one that ships.", autocompletion=names_of(_studies)),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of pools/, study.json and its page; runs/studies/STUDY unless given.", callback=writable
        ),
    ] = None,
    data: Data = None,
    device: Device = "cpu",
    save_steps: SaveSteps = None,
    execution: Execution = "auto",
    group_size: GroupSize = None,
    reproducible: Reproducible = False,
    log: Log = None,
    plugin: Plugins = None,
    format: Format = "table",  # noqa: A002 – the option's name
    json: Json = False,
) -> None:
    """Train several pools at equal cost, and compare what they are worth."""
    from lrensemble.config.study_file import load_study
    from lrensemble.front.sweep import How
    from lrensemble.studies import RESULT, compared, train_pools
    from lrensemble.train import tune

    loaded = load_study(study, data=data, plugins=tuple(plugin or ()))
    folder = out or Path("runs") / "studies" / loaded.name
    how = How(
        device=device,
        save_steps=save_steps,
        execution=execution,
        group_size=group_size,
        reproducible=reproducible,
        hours=None,
        loggers=log or (),
        shard=None,
        executor=None,
    )
    events = train_pools(loaded, folder, lambda experiment, place: tune(experiment, place, **how))
    pools, ended = _trained(events)
    with people.status("comparing"):
        found = compared(loaded, pools, folder, device=device)
    form = form_of(format, json)
    _print(found, form)
    if form == "table":
        people.print()
        people.print(f"{folder / RESULT} holds all of this and more", soft_wrap=True)
    raise typer.Exit(status_of(ended))


def _trained(events: Generator[StudyEvent, None, Pools]) -> tuple[Pools, list[Ended]]:
    """Show how the pools are trained; the pools and the ending of every run are returned."""
    from lrensemble.cli.progress import shown
    from lrensemble.studies import PoolBegins

    ended: list[Ended] = []
    with terminated(), ExitStack() as stack:
        show = stack.enter_context(shown())
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                return end.value, ended
            if isinstance(event, PoolBegins):
                stack.close()
                people.print(f"pool {event.place} of {event.count}: {event.name}, seed {event.seed}")
                show = stack.enter_context(shown())
            elif (ending := show(event)) is not None:
                ended.append(ending)


def _print(found: Comparison, form: Form) -> None:
    """Print the tables, the claim and its limits."""
    from lrensemble.evaluate.study import tables

    if form == "json":
        print_json(found.model_dump(mode="json"))
        return
    if form == "table":
        people.print()
    print_tables([table_of(each) for each in tables(found)], form)
    if form == "table":
        answers.print()
        for sentence in (found.claim, *found.notes):
            answers.print(sentence, soft_wrap=False)
