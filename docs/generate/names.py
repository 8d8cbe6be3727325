"""The page of a registry: every name with its signature, arguments, facts and source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from generate.markdown import code, table
from lrensemble.registry import Entry, entry_of, registry_of


def names_page(kind: str, pictures: Mapping[str, str]) -> str:
    """Everything registered of a kind; names that have a picture show it."""
    registry = registry_of(kind)
    lines = [f"# {registry.title}\n"]
    for name in registry:
        picture = f"![The rate of {name} over a run](curves/{name}.svg)\n" if name in pictures else ""
        lines += [f"## {name}\n", picture, *_lines(entry_of(registry, name))]
    lines.append("## Names that cannot be listed\n")
    lines += [f"* `{form}`: {summary}" for form, summary in registry.families().items()]
    return "\n".join(lines) + "\n"


def _lines(entry: Entry) -> Iterator[str]:
    yield f"```\n{entry.signature}\n```\n"
    yield f"{entry.text}\n"
    if entry.arguments:
        rows = [
            [
                code(each.name),
                code(each.type),
                "must be given" if each.default is None else code(each.default),
                each.allowed,
                each.meaning,
            ]
            for each in entry.arguments
        ]
        columns = ["argument", "type", "default", "allowed", "meaning"]
        used = [place for place in range(len(columns)) if any(row[place] for row in rows)]
        yield table([columns[place] for place in used], ([row[place] for place in used] for row in rows))
    facts = [f"{name.replace('_', ' ')}: {code(str(value))}" for name, value in entry.facts.items() if value != ""]
    if facts:
        yield f"{'; '.join(facts)}.\n"
    if entry.aliases:
        yield f"Also named {', '.join(map(code, entry.aliases))}.\n"
    yield f"Example: {code(entry.example)}. Source: {code(entry.source)}.\n"
