"""The page of what `--json` prints: every record that a verb prints, key by key, and its JSON schema."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NotRequired, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from typing_extensions import is_typeddict

from generate.docstrings import field_docs, hints_of
from generate.markdown import code, flat, table
from lrensemble.cli import VERBS
from lrensemble.registry.annotations import type_words
from lrensemble.spec import Spec


def output_of(verb: str) -> Any:
    """The type of what a verb prints."""
    return import_module(f"lrensemble.cli.{verb}").output()


def outputs_page() -> str:
    """Every record that some verb prints, once."""
    lines = ["# JSON output\n", "With `--json` a verb prints one of these records, or a list of them.\n"]
    for record in dict.fromkeys(record for verb in VERBS for record in records_in(output_of(verb))):
        docs = field_docs(record)
        rows = (
            [code(_printed(record, name)), code(_words(hint)), docs.get(name, "")]
            for name, hint in hints_of(record).items()
        )
        lines += [f"## {record.__name__}\n", f"{flat(record.__doc__ or '')}\n", table(["key", "type", "meaning"], rows)]
    return "\n".join(lines)


def schemas() -> dict[str, str]:
    """JSON schema of what each verb prints, by the verb as it is typed."""
    return {verb.replace("_", "-"): json.dumps(schema_of(output_of(verb)), indent=2) for verb in VERBS}


def schema_of(output: Any) -> dict[str, Any]:
    """JSON schema of a type, with what is said of each field."""
    schema = TypeAdapter(output).json_schema(mode="serialization")
    docs = {
        record.__name__: {_printed(record, name): said for name, said in field_docs(record).items()}
        for record in records_in(output)
    }
    for name, part in {str(schema.get("title")): schema, **schema.get("$defs", {})}.items():
        for key, described in part.get("properties", {}).items():
            if said := docs.get(name, {}).get(key):
                described["description"] = said
    return schema


def records_in(hint: Any) -> Iterator[type]:
    """The records that a type is made of, itself first."""
    if is_record(hint):
        yield hint
        for inner in hints_of(hint).values():
            yield from records_in(inner)
    for inner in get_args(hint):
        yield from records_in(inner)


def is_record(hint: Any) -> bool:
    """Whether a type has fields of its own."""
    if not isinstance(hint, type) or hint is Spec:
        return False
    return issubclass(hint, BaseModel) or is_typeddict(hint) or dataclasses.is_dataclass(hint)


def _printed(record: type, name: str) -> str:
    """The key that a field is printed under."""
    alias = record.model_fields[name].serialization_alias if issubclass(record, BaseModel) else None
    return alias or name


def _words(hint: Any) -> str:
    kind = get_args(hint)[0] if get_origin(hint) is NotRequired else hint
    return type_words(kind) + (" | absent" if get_origin(hint) is NotRequired else "")
