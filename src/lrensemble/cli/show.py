"""`lrensemble show`: all that a pool knows of one member."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrensemble.cli.console import (
    Format,
    Json,
    Plugins,
    Table,
    TrustCode,
    answers,
    form_of,
    open_pool,
    print_json,
    print_tables,
)

if TYPE_CHECKING:
    from lrensemble.pool import Member, Pool

SHOWN = 4
"""Means and deviations of inputs that are shown."""

LINES = 12
"""Lines of a history that the terminal shows."""


EXAMPLES = ("lrensemble show pool 5f0c",)


def output() -> Any:
    """The member's record, `member.json`."""
    from lrensemble.pool import Member

    return Member


def show(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool.")],
    member: Annotated[str, typer.Argument(help="Id, the beginning of one, or a name.")],
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    format: Format = "table",  # noqa: A002 – the option's name
    json: Json = False,
) -> None:
    """Show one member: recipe, scores, curve, files, and the teams that it is in."""
    from lrensemble.pool import find_member

    opened = open_pool(pool, plugin, trust_code)
    found, form = find_member(opened, member), form_of(format, json)
    if form == "json":
        print_json(found.record())
        return
    tables = [_facts(found, opened), _scores(found), _history(found, LINES if form == "table" else 0)]
    print_tables([each for each in tables if each.rows], form)


def _facts(member: Member, pool: Pool) -> Table:
    from lrensemble.cli.sparkline import rates_of, sparkline
    from lrensemble.evaluate.selections import stored_teams

    rows = Table(f"{member.name} ({member.id})", {"": "left", "value": "left"})
    rows.add_row("status", member.status)
    for path, value in (*_flat(member.recipe or {}), *_flat(member.facts), *_network(member)):
        rows.add_row(path, str(value))
    if rates := rates_of(member, trust_code=pool.trust_code):
        rows.add_row("rate", sparkline(rates, answers.encoding))
    for key, given in (("parameters", member.parameters), ("seconds", member.seconds), ("samples", member.samples)):
        if given is not None:
            rows.add_row(key, f"{given:,.1f}" if isinstance(given, float) else f"{given:,}")
    teams = [team.method for team in stored_teams(pool) if member.id in team.team]
    rows.add_row("teams", ", ".join(teams) or "none")
    for name in member.files:
        rows.add_row("file", str(member.folder / name))
    return rows


def _network(member: Member) -> Iterator[tuple[str, object]]:
    """How a member that was adopted is run, and what goes in."""
    if member.network is None:
        return
    yield "network", member.network.model
    yield "gives", member.network.gives
    if member.inputs is not None:
        yield "inputs", f"{' × '.join(map(str, member.inputs.shape))} {member.inputs.dtype}"
        for name, given in (("mean", member.inputs.mean), ("std", member.inputs.std)):
            values = tuple(dict.fromkeys(given)) if len(set(given)) == 1 else given
            more = f", … ({len(values)} in all)" if len(values) > SHOWN else ""
            yield f"inputs.{name}", ", ".join(f"{each:g}" for each in values[:SHOWN]) + more


def _scores(member: Member) -> Table:
    metrics = dict.fromkeys(name for scores in member.scores.values() for name in scores)
    rows = Table("scores", {"split": "left"} | dict.fromkeys(metrics, "right"))
    for split, scores in member.scores.items():
        rows.add_row(split, *(f"{scores[name]:.4f}" if name in scores else "–" for name in metrics))
    return rows


def _history(member: Member, most: int) -> Table:
    """Lines of the history, evenly spread; all of them where `most` is 0."""
    lines = member.history()
    step = max(1, -(-len(lines) // most)) if most else 1
    shown = lines[::-1][::step][::-1]
    keys = list(lines[0]) if lines else []
    rows = Table("history", dict.fromkeys(keys, "right"))
    for line in shown:
        rows.add_row(*(_number(line.get(key)) for key in keys))
    return rows


def _number(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _flat(recipe: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Values of a recipe by their path; a name with arguments is one text."""
    from lrensemble.spec import to_spec

    for key, value in recipe.items():
        if isinstance(value, Mapping) and "name" in value:
            yield f"{prefix}{key}", to_spec(value)
        elif isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
