"""Registered names, as `lrensemble ls` shows them: the names of a kind, or the entry of one name."""

from __future__ import annotations

from dataclasses import MISSING, asdict, fields
from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from lrensemble.cli.console import Form, Table, answers, people, print_json, print_tables

if TYPE_CHECKING:
    from lrensemble.registry import Entry, Registry


class Listed(TypedDict):
    """One name of a kind, or the form of names that cannot be listed."""

    name: str
    example: str
    """A spec that runs as it stands."""
    summary: str
    """The first line of its docstring."""
    aliases: list[str]
    """Other names of the same."""
    facts: dict[str, bool | int | float | str]
    """Facts of the registered thing, such as whether higher is better."""


def list_kind(kind: str, form: Form) -> None:
    """Everything registered of a kind, what installed plugins register too."""
    from lrensemble.registry import installed_plugins, registry_of

    registry = registry_of(kind)
    for failure in installed_plugins():
        people.print(failure, soft_wrap=True)
    entries = [_listed(registry, name) for name in registry] + [
        Listed(name=form, example=form, summary=summary, aliases=[], facts={})
        for form, summary in registry.families().items()
    ]
    if form == "json":
        print_json(entries)
        return
    needed = [each.name for each in fields(registry.kind_of_facts) if each.default is MISSING]
    stated = [fact for fact in needed if any(fact in each["facts"] for each in entries)]  # a function is not said
    columns = ["example", "what it is", *(fact.replace("_", " ") for fact in stated)]
    rows = Table(f"{len(entries)} {kind}", dict.fromkeys(columns, "left"))
    for each in entries:
        others = f" Also named {', '.join(each['aliases'])}." if each["aliases"] else ""
        rows.add_row(each["example"], each["summary"] + others, *(_word(each["facts"].get(fact)) for fact in stated))
    print_tables([rows], form)


def show_name(name: str, kind: str | None, form: Form) -> None:
    """Show the entry of one name; `kind` is found where it is not given.

    Raises:
        UnknownNameError: nothing has that name; the message holds the nearest.
        ConfigError: several kinds have it.
        SpecError: `package.module:function` that cannot be imported, or is not of that kind.
    """
    from lrensemble.errors import ConfigError
    from lrensemble.registry import entry_of, kinds_of, registry_of

    kinds = [kind] if kind else kinds_of(name)
    if len(kinds) > 1:
        raise ConfigError(f"{name!r} names several things; give its kind: lrensemble ls {'|'.join(kinds)} {name}")
    entry = entry_of(registry_of(kinds[0]), name)
    if form == "json":
        print_json(asdict(entry))
    else:
        _print_entry(entry, form)


def _print_entry(entry: Entry, form: Form) -> None:
    answers.print(entry.signature)
    answers.print()
    for paragraph in entry.text.split("\n\n"):
        answers.print(" ".join(paragraph.split()))
        answers.print()
    if entry.arguments:
        rows = Table("", dict.fromkeys(("argument", "type", "default", "meaning"), "left"))
        for each in entry.arguments:
            kind = f"{each.type} {each.allowed}".rstrip()
            rows.add_row(each.name, kind, "must be given" if each.default is None else each.default, each.meaning)
        print_tables([rows], form)
        answers.print()
    lines = {
        "kind": entry.kind,
        "example": entry.example,
        "also named": ", ".join(entry.aliases),
        **{fact.replace("_", " "): _word(value) for fact, value in entry.facts.items()},
        "from": "; ".join(entry.citations),
        "source": entry.source,
    }
    for heading, value in lines.items():
        if value:
            answers.print(f"{heading}: {value}", soft_wrap=True)


def _listed(registry: Registry[Any, Any], name: str) -> Listed:
    from lrensemble.registry import plain_facts

    found = registry.find(name)
    return Listed(
        name=name,
        example=str(found.example),
        summary=registry.summary(name),
        aliases=list(found.aliases),
        facts=plain_facts(registry, found.facts),
    )


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
