"""`lrensemble ls`: what is in a pool, or what is registered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrensemble.cli.console import Json, names_of, people, percent, print_json, table
from lrensemble.errors import ConfigError

if TYPE_CHECKING:
    from lrensemble.pool import Pool
    from lrensemble.registry import Registry

KINDS = ("policies", "strategies", "ranges", "selectors", "consensus", "models", "data", "metrics")


def ls(
    what: Annotated[
        str | None,
        typer.Argument(
            help=f"Folder of a pool, or one of: {', '.join(KINDS)}.", autocompletion=names_of(lambda: list(KINDS))
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show the members of a pool, or the names that can be used with an example of each."""
    from lrensemble.config import shipped
    from lrensemble.registry import nearest

    if what in KINDS:
        _list_registry(what, json)
    elif what is not None and Path(what).is_dir():
        from lrensemble.pool import Pool

        _list_pool(Pool.open(Path(what)), json)
    elif what is not None:
        raise ConfigError(f"{what!r} is neither a folder of a pool nor a kind of name{nearest(what, KINDS)}")
    elif json:
        print_json({"kinds": KINDS, "experiments": shipped()})
    else:
        people.print(f"lrensemble ls POOL, or one of: {', '.join(KINDS)}")
        people.print(f"experiments that ship with the package: {', '.join(shipped())}")


def _registry(kind: str) -> Registry[Any, Any]:
    if kind == "policies":
        from lrensemble.policies import POLICIES

        return POLICIES
    if kind == "strategies":
        from lrensemble.train.strategies import STRATEGIES

        return STRATEGIES
    if kind == "ranges":
        from lrensemble.config.space import DISTRIBUTIONS

        return DISTRIBUTIONS
    if kind == "selectors":
        from lrensemble.select import SELECTORS

        return SELECTORS
    if kind == "consensus":
        from lrensemble.consensus import CONSENSUS

        return CONSENSUS
    if kind == "models":
        from lrensemble.models import MODELS

        return MODELS
    if kind == "data":
        from lrensemble.data import SOURCES

        return SOURCES
    from lrensemble.metrics import METRICS

    return METRICS


def _list_registry(kind: str, json: bool) -> None:
    registry = _registry(kind)
    entries = [
        {"name": name, "example": str(registry.example(name)), "summary": registry.summary(name)} for name in registry
    ]
    if kind == "models":
        entries += [
            {"name": form, "example": form, "summary": summary} for form, summary in registry.families().items()
        ]
    if json:
        print_json(entries)
        return
    rows = table(f"{len(entries)} {kind}", {"example": "left", "what it is": "left"})
    for entry in entries:
        rows.add_row(entry["example"], entry["summary"])
    people.print(rows)


def _list_pool(pool: Pool, json: bool) -> None:
    members = pool.members(include_diverged=True)
    if json:
        print_json([member.record() for member in members])
        return
    sizes = ", ".join(f"{len(pool.labels(split)):,} {split}" for split in pool.task.splits)
    columns = {"": "right", "id": "left", "member": "left", "val": "right", "NLL": "right", "s": "right"}
    rows = table(f"{pool.task.name}: {len(members)} members, {len(pool.task.classes)} classes, {sizes} rows", columns)
    for position, member in enumerate(members):
        scores = member.scores.get("val", {})
        nll = f"{scores['nll']:.4f}" if "nll" in scores else "–"
        accuracy = percent(scores.get("accuracy")) if member.status == "finished" else member.status
        seconds = "–" if member.seconds is None else f"{member.seconds:.1f}"
        rows.add_row(str(position), member.id, member.name, accuracy, nll, seconds)
    people.print(rows)
