"""`lrensemble show`: all that a pool knows of one member, or an exported ensemble of itself."""

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
from lrensemble.notebook import in_cell

if TYPE_CHECKING:
    from lrensemble.cli.tables import Form
    from lrensemble.export import Description
    from lrensemble.pool import Member, Pool

SHOWN = 4
"""Means and deviations of inputs that are shown."""

LINES = 12
"""Lines of a history that the terminal shows."""


EXAMPLES = ("lrensemble show pool 5f0c", "lrensemble show ensemble")


def output() -> Any:
    """The member's record, `member.json`; or the ensemble's description, `config.json`."""
    from lrensemble.export import Description
    from lrensemble.pool import Member

    return Member | Description


def show(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool, or of an exported ensemble.")],
    member: Annotated[
        str | None, typer.Argument(help="Id, the beginning of one, or a name; none for an ensemble.")
    ] = None,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    format: Format = "table",  # noqa: A002 – the option's name
    json: Json = False,
) -> None:
    """Show one member: recipe, scores, curve, files, teams that it is in; or an ensemble: inputs, members, scores."""
    from lrensemble.errors import PoolError
    from lrensemble.pool import find_member

    form = form_of(format, json)
    if member is None and _is_ensemble(pool):
        _show_ensemble(pool, form)
        return
    if pool.is_file():
        raise PoolError(
            f"{pool} is a file; show takes the folder of a pool or of an exported ensemble (files of ONNX and of torch "
            "say the same in their metadata)"
        )
    opened = open_pool(pool, plugin, trust_code)
    if member is None:
        raise PoolError(f"{pool} is a pool; say which of its members to show: lrensemble ls {pool} lists them")
    found = find_member(opened, member)
    if form == "json":
        print_json(found.record())
        return
    tables = [_facts(found, opened), _scores(found), _history(found, LINES if form == "table" else 0)]
    print_tables([each for each in tables if each.rows], form)


def _is_ensemble(folder: Path) -> bool:
    from lrensemble.export.bundle import is_bundle

    return is_bundle(folder)


def _show_ensemble(folder: Path, form: Form) -> None:
    from lrensemble.export.bundle import read_description

    description = read_description(folder)
    if form == "json":
        print_json(description.model_dump(mode="json"))
        return
    tables = [_said(description), _members(description), _measured(description)]
    print_tables([each for each in tables if each.rows], form)


def _said(description: Description) -> Table:
    """What an ensemble says of itself; lists of records have tables of their own."""
    from lrensemble.export.metadata import facts_of

    rows = Table(description.task, {"": "left", "value": "left"})
    for path, value in _flat({key: each for key, each in facts_of(description) if key not in ("members", "origin")}):
        rows.add_row(path, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
    return rows


def _members(description: Description) -> Table:
    rows = Table("members", {"id": "left", "name": "left", "weight": "right", "model": "left"})
    for part, weight in zip(description.parts, description.weights, strict=True):
        rows.add_row(part.id, part.name, f"{weight:.4g}", str(part.model))
    return rows


def _measured(description: Description) -> Table:
    """Scores of the team, with the gain over the best single model and its 95 % interval."""
    headings = ("metric", "val", "test", "gain", "low", "high")
    rows = Table("scores of the team", {each: "left" if each == "metric" else "right" for each in headings})
    judgement = None if description.origin is None else description.origin.judgement
    if judgement is None:
        return rows
    for metric, value in judgement.test.by_metric().items():
        gain = judgement.gain.get(metric)
        ends = () if gain is None else (gain.value, gain.low, gain.high)
        rows.add_row(metric, in_cell(judgement.val.by(metric)), in_cell(value), *map(in_cell, ends))
    return rows


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
        rows.add_row(*(in_cell(line.get(key)) for key in keys))
    return rows


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
