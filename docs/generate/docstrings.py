"""What docstrings say, of fields too: the text under a field belongs to it."""

from __future__ import annotations

import inspect
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from generate.markdown import flat
from generate.sources import said_in


@cache
def hints_of(record: type) -> dict[str, Any]:
    """Annotations of the fields of a record, a typed dict or a dataclass, by name."""
    fields = _fields(record)
    return {name: hint for name, hint in get_type_hints(record, include_extras=True).items() if name in fields}


@cache
def field_docs(record: type) -> dict[str, str]:
    """What is said of each field, in one line: by the docstring under it, or by its annotation."""
    found: dict[str, str] = {}
    for owner in reversed(_owners(record)):
        found |= _docs_under_fields(owner)
    hints = hints_of(record)
    for name, hint in hints.items():
        field = getattr(record, "model_fields", {}).get(name)
        if said := getattr(field, "description", None) or _documentation(hint):
            found.setdefault(name, said)
    return {name: flat(text) for name, text in found.items() if name in hints}


def first_sentence(docstring: str | None) -> str:
    """The first sentence of a docstring, in one line."""
    paragraph = flat((docstring or "").split("\n\n", 1)[0])
    return re.split(r"(?<=[.?!])\s+(?=[A-Z`])", paragraph, maxsplit=1)[0]


def _owners(record: type) -> list[type]:
    """The record and what it inherits fields from; a typed dict remembers that apart."""
    bases = dict.fromkeys([*record.__mro__, *getattr(record, "__orig_bases__", ())])
    return [
        each for each in bases if isinstance(each, type) and not each.__module__.startswith(("builtins", "pydantic"))
    ]


def _fields(record: type) -> list[str]:
    fields = getattr(record, "model_fields", None)
    if fields is not None:
        return [name for name, field in fields.items() if not field.exclude]
    return list(get_type_hints(record))


def _docs_under_fields(record: type) -> dict[str, str]:
    try:
        path = inspect.getsourcefile(record)
    except (OSError, TypeError):
        return {}
    return said_in(Path(path)).fields.get(record.__qualname__, {}) if path else {}


def _documentation(hint: Any) -> str:
    parts = get_args(hint) if get_origin(hint) is Annotated else ()
    return next((each.documentation for each in parts if hasattr(each, "documentation")), "")
