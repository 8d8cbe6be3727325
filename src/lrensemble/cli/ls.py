"""`lrensemble ls`: what is in a pool, what is registered, or all that is known of one name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import (
    Form,
    Format,
    Json,
    Plugins,
    Table,
    TrustCode,
    answers,
    form_of,
    import_given,
    open_pool,
    percent,
    print_json,
    print_tables,
)
from lrensemble.cli.names import Listed, list_kind, show_name
from lrensemble.errors import ConfigError
from lrensemble.registry import HOMES, nearest
from lrensemble.text.counted import counted

if TYPE_CHECKING:
    from lrensemble.pool import Pool


class Kinds(TypedDict):
    """What can be listed."""

    kinds: list[str]
    """Kinds of names: `policies`, `selectors`, …"""
    experiments: list[str]
    """Experiments that ship with the package."""
    studies: list[str]
    """Studies that ship with the package."""


EXAMPLES = (
    "lrensemble ls pool --format csv",
    "lrensemble ls policies",
    "lrensemble ls greedy",
)


def output() -> Any:
    """A list of the members of a pool, or of the names of a kind; one record of a name, or of what can be listed."""
    from lrensemble.pool import Member
    from lrensemble.registry import Entry

    return Kinds | list[Listed] | Entry | list[Member]


def _kinds(incomplete: str) -> list[str]:
    return [kind for kind in HOMES if kind.startswith(incomplete)]


def _names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of the kind that was given."""
    from lrensemble.registry import written_names

    kind = str(ctx.params.get("what"))
    return [name for name in written_names(kind) if name.startswith(incomplete)] if kind in HOMES else []


def ls(
    what: Annotated[
        str | None,
        typer.Argument(
            help=f"Folder of a pool, a name, or a kind of names: {', '.join(HOMES)}.", autocompletion=_kinds
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Argument(help="A name of that kind, to show all of it.", autocompletion=_names)
    ] = None,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    format: Format = "table",  # noqa: A002 – the option's name
    json: Json = False,
) -> None:
    """Show the members of a pool, the names of a kind with an example of each, or all that is known of one name."""
    from lrensemble.config.shipped import STUDIES, shipped

    form = form_of(format, json)
    import_given(plugin)
    if name is not None:
        if what not in HOMES:
            raise ConfigError(f"no kind of name {what!r}{nearest(str(what), HOMES)}")
        show_name(name, what, form)
    elif what in HOMES:
        list_kind(what, form)
    elif what is not None and os.path.isdir(what):
        _list_pool(open_pool(Path(what), None, trust_code), form)
    elif what is not None:
        _show(what, form)
    elif form == "json":
        print_json(Kinds(kinds=list(HOMES), experiments=shipped(), studies=shipped(STUDIES)))
    else:
        answers.print(f"lrensemble ls POOL, or one of: {', '.join(HOMES)}")
        answers.print(f"experiments that ship with the package: {', '.join(shipped())}")
        answers.print(f"studies that ship with the package: {', '.join(shipped(STUDIES))}")


def _show(name: str, form: Form) -> None:
    """All that is known of a name whose kind is to be found.

    Raises:
        ConfigError: it is neither a folder nor a name; or several kinds have it.
    """
    from lrensemble.errors import UnknownNameError

    try:
        show_name(name, None, form)
    except UnknownNameError as error:
        raise ConfigError(f"{name!r} is no folder of a pool, and {error}") from None


def _list_pool(pool: Pool, form: Form) -> None:
    members = pool.members(include_diverged=True)
    if form == "json":
        print_json([member.record() for member in members])
        return
    target, task = pool.task.target, pool.task
    sizes = ", ".join(f"{split.size:,} {name}" for name, split in task.splits.items())
    noun = target.nouns[target.width == 1]
    found = {name for member in members for name in member.scores.get("val", {})}
    known = [name for name in target.metrics if name in found] or [target.metrics[0]]
    metrics = dict.fromkeys((known[0], known[-1]))  # the one that people know best, and the one that asks for most
    columns = {"": "right", "id": "left", "member": "left", "form": "left"}
    columns |= {_heading(name): "right" for name in metrics} | {"s": "right"}
    rows = Table(f"{task.name}: {counted(len(members), 'member')}, {target.width} {noun}, {sizes} rows", columns)
    for position, member in enumerate(members):
        scores = member.scores.get("val", {})
        shown = [_shown(name, scores.get(name)) for name in metrics]
        if member.status != "finished":
            shown[0] = member.status.replace("_", " ")
        seconds = "–" if member.seconds is None else f"{member.seconds:.1f}"
        said = member.form if member.status == "finished" else "–"
        rows.add_row(str(position), member.id, member.name, said, *shown, seconds)
    print_tables([rows], form)


def _heading(metric: str) -> str:
    """Heading of a metric's column; that of accuracy is the split that it is of."""
    return {"accuracy": "val %", "nll": "NLL"}.get(metric, metric)


def _shown(metric: str, value: float | None) -> str:
    from lrensemble.metrics import METRICS

    if value is None:
        return "–"
    return percent(value) if METRICS.facts(METRICS.check(metric)).unit == "fraction" else f"{value:.4f}"
