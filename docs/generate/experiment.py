"""The page of the experiment file: every key with its type, default, range and meaning, from the records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

from pydantic_core import PydanticUndefined

from generate.docstrings import field_docs, hints_of
from generate.markdown import code, flat, table
from lrensemble.config import Experiment, Record
from lrensemble.registry.annotations import allowed_words, type_words
from lrensemble.spec import Spec


def experiment_page() -> str:
    """The keys of the file, a table for each of its own tables."""
    lines = [f"# The experiment file\n\n{Experiment.__doc__}\n"]
    lines.append(
        "A key that is not here, or a value of another type, is refused with its path. `name(…)` stands for a name "
        'with arguments, as text (`"cosine(peak=0.1)"`) or as a table (`{name = "cosine", peak = 0.1}`).\n'
    )
    for path, record in _tables(Experiment, ""):
        if path:
            lines.append(f"## [{path}]\n\n{flat(record.__doc__ or '')}\n")
        lines.append(table(["key", "type", "default", "allowed", "meaning"], _rows(path, record)))
    return "\n".join(lines)


def keys(record: type[Record] = Experiment) -> dict[str, str]:
    """The meaning of every key, by its path: empty where nobody says it."""
    return {
        f"{path}.{name}".removeprefix("."): field_docs(owner).get(name, "")
        for path, owner in _tables(record, "")
        for name in hints_of(owner)
    }


def _tables(record: type[Record], path: str) -> Iterator[tuple[str, type[Record]]]:
    yield path, record
    for name, hint in hints_of(record).items():
        if (inner := _record_in(hint)) is not None:
            yield from _tables(inner, f"{path}.{name}".removeprefix("."))


def _rows(path: str, record: type[Record]) -> Iterator[list[str]]:
    docs = field_docs(record)
    for name, hint in hints_of(record).items():
        key = f"{path}.{name}".removeprefix(".")
        kind = type_words(hint)
        if _record_in(hint):
            kind = "list of tables" if _is_list(hint) else "table"
        default = record.model_fields[name].get_default(call_default_factory=True, validated_data={})
        shown = "must be given" if default is PydanticUndefined else code(_toml(default))
        yield [code(key), code(kind), shown, allowed_words(hint), docs.get(name, "")]


def _record_in(hint: Any) -> type[Record] | None:
    """The record that a key holds, where it is a table, or that each of its tables is."""
    kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if get_origin(kind) is tuple:
        kind = get_args(kind)[0]
    return kind if isinstance(kind, type) and issubclass(kind, Record) else None


def _is_list(hint: Any) -> bool:
    return get_origin(get_args(hint)[0] if get_origin(hint) is Annotated else hint) is tuple


def _toml(value: object) -> str:
    """A default as it would be written; nothing for a table, and for what is not there."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str | Spec):
        return f'"{value}"'
    return "" if value is None or isinstance(value, Record | dict) else str(value)
