"""Annotations as people read them: the type of a value, and what it may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from inspect import Parameter
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from lrensemble.spec import Spec

_SIGNS = {"gt": "> {}", "ge": ">= {}", "lt": "< {}", "le": "<= {}", "min_length": "at least {} long"}
"""How a constraint is written, by the attribute that holds its value."""


def type_words(annotation: Any) -> str:
    """A type in words: `int | none`, `list of float`, `'svg' | 'png'`; `any` where there is none."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_words(inner[0])
    if origin in (Union, UnionType):
        return " | ".join(dict.fromkeys(type_words(each) for each in inner))
    if origin is Literal:
        return " | ".join(map(repr, inner))
    kind = origin or annotation
    if kind in (Any, object, Parameter.empty):
        return "any"
    if kind is NoneType:
        return "none"
    if kind is Spec:
        return "name(…)"
    if not isinstance(kind, type):
        return str(getattr(kind, "__name__", kind))
    if issubclass(kind, Mapping):
        return f"table of {type_words(inner[-1])}" if inner else "table"
    if issubclass(kind, Sequence) and not issubclass(kind, str | bytes):
        parts = list(dict.fromkeys(type_words(each) for each in inner if each is not ...))
        return f"list of {' and '.join(parts)}" if parts else "list"
    return kind.__name__


def allowed_words(annotation: Any) -> str:
    """The range of a value in words: `> 0 and < 1`; empty where its type says all."""
    return " and ".join(dict.fromkeys(_constraints(annotation)))


def _constraints(annotation: Any) -> Iterator[str]:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _constraints(inner[0])
        for each in inner[1:]:
            yield from _stated(each)
    elif origin in (Union, UnionType):
        for each in inner:
            yield from _constraints(each)
    elif origin not in (None, Literal):
        yield from (f"each {constraint}" for each in inner for constraint in _constraints(each))


def _stated(constraint: Any) -> Iterator[str]:
    """What one piece of metadata says; a `Field` holds several."""
    for attribute, sign in _SIGNS.items():
        if (value := getattr(constraint, attribute, None)) is not None:
            yield sign.format("2^63 - 1" if value == 2**63 - 1 else f"{value:,}" if isinstance(value, int) else value)
    for each in getattr(constraint, "metadata", ()):
        yield from _stated(each)
