"""Strict, frozen records, and the one line that tells what of a file is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema, ValidationError
from pydantic_core import ErrorDetails, core_schema

from lrensemble.errors import ConfigError, LREnsembleError
from lrensemble.files import storage_errors
from lrensemble.registry import nearest
from lrensemble.spec import Spec, to_spec
from lrensemble.text import TextError, from_toml, read_text, shortened


def read_spec(given: Any) -> Spec:
    """A spec in any of its forms, refused as pydantic expects it."""
    try:
        return to_spec(given)
    except LREnsembleError as error:
        raise ValueError(str(error)) from None


SpecField = Annotated[
    Spec,
    GetPydanticSchema(
        lambda _source, _handler: core_schema.no_info_plain_validator_function(
            read_spec,
            serialization=core_schema.plain_serializer_function_ser_schema(
                Spec.to_json, return_schema=core_schema.dict_schema()
            ),
        )
    ),
]
"""A spec in a record: read from its text or table form, written as a table."""

NO_SUCH_KEY = "no such key"
"""Reason for which a key is refused that a record does not have."""

PositiveInt = Annotated[int, Field(gt=0)]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
Fraction = Annotated[float, Field(gt=0, lt=1)]


class Record(BaseModel):
    """A frozen record that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True)
class Later:
    """Marks a field that a record did not have from the beginning."""


LATER = Later()


def later_at_default(record: Record) -> dict[str, Any]:
    """Fields that pydantic is to leave out of a record and those in it: new ones, where they are at their default."""
    left_out: dict[str, Any] = {}
    for name, field in type(record).model_fields.items():
        value = getattr(record, name)
        if LATER in field.metadata and value == field.default:
            left_out[name] = True
        elif isinstance(value, Record) and (inner := later_at_default(value)):
            left_out[name] = inner
    return left_out


def read_toml(path: Path, source: str) -> dict[str, Any]:
    """What a TOML file says; messages call it `source`.

    Raises:
        ConfigError: not TOML.
        StorageError: it cannot be read.
    """
    try:
        with storage_errors("read", path):
            return from_toml(read_text(path))
    except TextError as error:
        raise ConfigError(f"{source}: {error}") from None


R = TypeVar("R", bound=Record)


def to_record(kind: type[R], content: object, source: str) -> R:
    """Check a dict against a record.

    Raises:
        ConfigError: one line with the source, the path of the first key that is refused, and what is allowed.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        if first["type"] == "extra_forbidden":
            reason = NO_SUCH_KEY + nearest(str(first["loc"][-1]), _fields(kind, first["loc"][:-1]))
        elif first["type"] == "missing":
            reason = "is missing"
        else:
            reason = reason_of(first)
        raise ConfigError(f"{source}: {where}: {reason}") from None
    except ConfigError as error:  # from a check that names the path itself
        raise ConfigError(f"{source}: {error}") from None


def reason_of(error: ErrorDetails) -> str:
    """Reason for which a value is refused, with the value."""
    return f"{error['msg'].removeprefix('Value error, ')} (given: {shortened(error['input'])})"


def _fields(kind: type[Record], path: tuple[int | str, ...]) -> list[str]:
    for part in path:
        field = kind.model_fields.get(str(part))
        annotation = field.annotation if field else None  # of a place in a list or a dictionary
        for each in (annotation, *get_args(annotation)):  # a record, or a list of them, or several by name
            if isinstance(each, type) and issubclass(each, Record):
                kind = each
    return [field.alias or name for name, field in kind.model_fields.items()]
