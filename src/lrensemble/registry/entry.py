"""All that can be told of one registered name: what `lrensemble ls NAME` and the reference pages show."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from lrensemble.registry.annotations import allowed_words, type_words
from lrensemble.registry.base import Registry
from lrensemble.registry.functions import Registered
from lrensemble.spec import Spec

SECTIONS = ("Args:", "Returns:", "Raises:", "Yields:")
"""Headings of a Google-style docstring."""


@dataclass(frozen=True)
class Argument:
    """One argument that a spec may hold."""

    name: str
    type: str
    """In words: `int | none`."""
    default: str | None
    """As it is written in a spec; None of an argument that must be given."""
    allowed: str
    """The range in words, `> 0 and < 1`; empty where the type says all."""
    meaning: str
    """What the docstring says of it; empty where it says nothing."""


@dataclass(frozen=True)
class Entry:
    """What is known of one registered name."""

    kind: str
    """Plural of its registry: `selectors`."""
    name: str
    signature: str
    """As in a spec, with types and defaults: `greedy(size: int = 25)`."""
    example: str
    """A spec that runs as it stands."""
    summary: str
    """The first line of the docstring."""
    text: str
    """Docstring, without its sections."""
    arguments: tuple[Argument, ...]
    aliases: tuple[str, ...]
    """Other names of the same."""
    facts: dict[str, bool | int | float | str]
    """What others need to know of it, such as whether higher is better."""
    source: str
    """`package.module:function`, where it is defined."""
    citations: tuple[str, ...]
    """Publications that the docstring names: `Caruana et al. 2004, sec. 2`."""


def entry_of(registry: Registry[Any, Any], name: str) -> Entry:
    """What is known of a name, an alias, a name of a family, or `package.module:function`.

    Raises:
        UnknownNameError, SpecError: as `Registry.find` does.
    """
    found = registry.find(name)
    text, meanings = docstring_parts(inspect.getdoc(found.written) or "")
    arguments = tuple(_argument(found, key, meanings.get(key, "")) for key in found.own)
    return Entry(
        kind=registry.plural,
        name=found.name,
        signature=f"{found.name}({', '.join(map(_written, arguments))})",
        example=str(found.example),
        summary=text.split("\n", 1)[0],
        text=text,
        arguments=arguments,
        aliases=found.aliases,
        facts=plain_facts(registry, found.facts),
        source=f"{found.written.__module__}:{found.written.__qualname__}",
        citations=_citations(text),
    )


def plain_facts(registry: Registry[Any, Any], facts: Any) -> dict[str, bool | int | float | str]:
    """Those facts of a function that can be said in a word, or in several."""
    stated = {each.name: getattr(facts, each.name) for each in fields(registry.kind_of_facts)}
    words = {name: ", ".join(value) if _are_words(value) else value for name, value in stated.items()}
    return {name: value for name, value in words.items() if _is_plain(value)}


def docstring_parts(docstring: str) -> tuple[str, dict[str, str]]:
    """The text of a Google-style docstring without its sections, and the meaning of each argument."""
    text: list[str] = []
    meanings: dict[str, str] = {}
    section, argument = "", ""
    for line in docstring.splitlines():
        if line in SECTIONS:
            section = line
        elif not section:
            text.append(line)
        elif section == "Args:" and (match := re.match(r" {4}(\w+): (.*)", line)):
            argument = match[1]
            meanings[argument] = match[2]
        elif section == "Args:" and argument in meanings and line.startswith(" " * 5):
            meanings[argument] += f" {line.strip()}"
    return "\n".join(text).strip(), meanings


def _argument(found: Registered[Any, Any], name: str, meaning: str) -> Argument:
    parameter = found.own[name]
    annotation = found.hints.get(name, parameter.annotation)
    default = None if parameter.default is parameter.empty else _default(parameter.default)
    return Argument(name, type_words(annotation), default, allowed_words(annotation), meaning)


def _default(value: object) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_default, value))}]"
    return str(value) if isinstance(value, Spec) else repr(value)


def _written(argument: Argument) -> str:
    typed = argument.name if argument.type == "any" else f"{argument.name}: {argument.type}"
    return typed if argument.default is None else f"{typed} = {argument.default}"


def _citations(text: str) -> tuple[str, ...]:
    """What stands in parentheses with a year in it."""
    flat: Iterable[str] = re.findall(r"\(([^()]*\b(?:19|20)\d\d\b[^()]*)\)", " ".join(text.split()))
    return tuple(dict.fromkeys(part for part in flat if re.search(r"[A-Z]\w+", part)))


def _are_words(value: object) -> bool:
    return isinstance(value, tuple) and len(value) > 0 and all(isinstance(each, str) for each in value)


def _is_plain(value: object) -> bool:
    """Whether JSON can say it."""
    return isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))
