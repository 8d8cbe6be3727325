"""`lrensemble ls`: what is in a pool, or what is registered."""

from __future__ import annotations

import math
import os
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrensemble.cli.console import (
    Json,
    Plugins,
    TrustCode,
    import_given,
    names_of,
    open_pool,
    people,
    percent,
    print_json,
    table,
)
from lrensemble.errors import ConfigError
from lrensemble.registry import HOMES

if TYPE_CHECKING:
    from lrensemble.pool import Pool
    from lrensemble.registry import Registry


def ls(
    what: Annotated[
        str | None,
        typer.Argument(
            help=f"Folder of a pool, or one of: {', '.join(HOMES)}.", autocompletion=names_of(lambda: list(HOMES))
        ),
    ] = None,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    json: Json = False,
) -> None:
    """Show the members of a pool, or the names that can be used with an example of each."""
    from lrensemble.config import shipped
    from lrensemble.registry import nearest

    import_given(plugin)
    if what in HOMES:
        _list_registry(what, json)
    elif what is not None and os.path.isdir(what):
        _list_pool(open_pool(Path(what), None, trust_code), json)
    elif what is not None:
        raise ConfigError(f"{what!r} is neither a folder of a pool nor a kind of name{nearest(what, HOMES)}")
    elif json:
        print_json({"kinds": list(HOMES), "experiments": shipped()})
    else:
        people.print(f"lrensemble ls POOL, or one of: {', '.join(HOMES)}")
        people.print(f"experiments that ship with the package: {', '.join(shipped())}")


def _list_registry(kind: str, json: bool) -> None:
    """Everything registered of a kind, what installed plugins register too."""
    from lrensemble.registry import installed_plugins, registry_of

    registry = registry_of(kind)
    for failure in installed_plugins():
        people.print(failure, soft_wrap=True)
    entries = [_entry(registry, name) for name in registry] + [
        {"name": form, "example": form, "summary": summary, "aliases": [], "facts": {}}
        for form, summary in registry.families().items()
    ]
    if json:
        print_json(entries)
        return
    stated = [each.name for each in fields(registry.kind_of_facts) if each.default is MISSING]
    columns = ["example", "what it is", *(fact.replace("_", " ") for fact in stated)]
    rows = table(f"{len(entries)} {kind}", dict.fromkeys(columns, "left"))
    for each in entries:
        others = f" Also named {', '.join(each['aliases'])}." if each["aliases"] else ""
        rows.add_row(each["example"], each["summary"] + others, *(_word(each["facts"].get(fact)) for fact in stated))
    people.print(rows)


def _entry(registry: Registry[Any, Any], name: str) -> dict[str, Any]:
    found = registry.find(name)
    facts = {each.name: getattr(found.facts, each.name) for each in fields(registry.kind_of_facts)}
    return {
        "name": name,
        "example": str(found.example),
        "summary": registry.summary(name),
        "aliases": list(found.aliases),
        "facts": {fact: value for fact, value in facts.items() if _is_plain(value)},
    }


def _is_plain(value: object) -> bool:
    """Whether JSON can say it."""
    return isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


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
