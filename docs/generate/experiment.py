"""The pages of the experiment file and the study file: every key with its type, default, range and meaning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

from pydantic_core import PydanticUndefined

from generate.docstrings import field_docs, hints_of
from generate.markdown import code, flat, table
from lrensemble.config import Experiment, Record
from lrensemble.config.study import StudySettings
from lrensemble.registry.annotations import allowed_words, type_words
from lrensemble.spec import Spec


def experiment_page() -> str:
    """The keys of the experiment file."""
    return _page("The experiment file", Experiment)


def study_page() -> str:
    """The keys of the study file."""
    return _page("The study file", StudySettings)


def _page(title: str, record: type[Record]) -> str:
    """The keys of a file, a table for each of its own tables."""
    lines = [f"# {title}\n\n{record.__doc__}\n"]
    lines.append(
        "A key that is not here, or a value of another type, is refused with its path. `name(…)` stands for a name "
        'with arguments, as text (`"cosine(peak=0.1)"`) or as a table (`{name = "cosine", peak = 0.1}`).\n'
    )
    for path, inner in _tables(record, ""):
        if path:
            lines.append(f"## [{path}]\n\n{flat(inner.__doc__ or '')}\n")
        lines.append(table(["key", "type", "default", "allowed", "meaning"], _rows(path, inner)))
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
            named = f"{name}.NAME" if _is_by_name(hint) else name
            yield from _tables(inner, f"{path}.{named}".removeprefix("."))


def _rows(path: str, record: type[Record]) -> Iterator[list[str]]:
    docs = field_docs(record)
    for name, hint in hints_of(record).items():
        key = f"{path}.{record.model_fields[name].alias or name}".removeprefix(".")
        kind = type_words(hint)
        if _record_in(hint):
            kind = "list of tables" if _is_list(hint) else "table"
        default = record.model_fields[name].get_default(call_default_factory=True, validated_data={})
        shown = "must be given" if default is PydanticUndefined else code(_toml(default))
        yield [code(key), code(kind), shown, allowed_words(hint), docs.get(name, "")]


def _record_in(hint: Any) -> type[Record] | None:
    """The record that a key holds, where it is a table, or that each of its tables is."""
    for kind in (plain := _plain(hint), *get_args(plain)):
        if isinstance(kind, type) and issubclass(kind, Record):
            return kind
    return None


def _is_list(hint: Any) -> bool:
    return get_origin(_plain(hint)) is tuple


def _is_by_name(hint: Any) -> bool:
    """Whether a key holds tables by names that the user chooses."""
    return get_origin(_plain(hint)) is dict


def _plain(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _toml(value: object) -> str:
    """A default as it would be written; nothing for a table, and for what is not there."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str | Spec):
        return f'"{value}"'
    return "" if value is None or isinstance(value, Record | dict) else str(value)
