"""What a registry knows of one function: how it is called, its example and its facts."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from lrensemble.errors import SpecError
from lrensemble.registry.names import nearest
from lrensemble.spec import Spec, Value


@dataclass(frozen=True)
class NoFacts:
    """Facts of functions of which nobody needs to know anything."""


R = TypeVar("R")
F = TypeVar("F")

NAME = "name"
"""The key of a spec's table that holds the name, so that no argument has it."""


@dataclass(frozen=True)
class Call:
    """How functions of a kind are called."""

    positional: tuple[str, ...] | None = None
    """What they are given by position, `weights=None` for what one need not take; all that is positional if None."""
    keywords: tuple[str, ...] = ()
    """What they are given by keyword besides their own arguments."""

    @property
    def form(self) -> str:
        """As in a signature: `validation, *, metric, consensus, seed`."""
        given = ("…",) if self.positional is None else self.positional
        return ", ".join([*given, *(("*", *self.keywords) if self.keywords else ())])

    def own(self, function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
        """The arguments that a spec may hold: all others, whether keyword-only or not, but for one called `name`."""
        parameters = [
            p for p in inspect.signature(function).parameters.values() if p.name != NAME or p.default is p.empty
        ]
        if self.positional is None:
            return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}
        must, may = self._must, [each.partition("=")[0] for each in self.positional if "=" in each]
        kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        given = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY][: len(must)]
        others = [p for p in parameters if p.kind in kinds and p.name not in (*given, *may, *self.keywords)]
        return {p.name: p for p in others}

    @property
    def _must(self) -> list[str]:
        return [each for each in self.positional or () if "=" not in each]

    def require(self, name: str, function: Callable[..., Any]) -> None:
        """Refuse a function that cannot be called like this.

        Raises:
            SpecError: with the signature that it must have.
        """
        if NAME in self.own(function):
            raise SpecError(
                f"{name}: the function needs an argument called {NAME}, which nobody can give it: in a table that is "
                "the name of the function itself; call it otherwise, or give it a default"
            )
        if self.positional is None:
            return
        try:
            signature = inspect.signature(function)
            own = dict.fromkeys(self.own(function)) | dict.fromkeys(self.keywords)
            signature.bind(*(None for _ in self._must), **own)
        except (TypeError, ValueError):
            raise SpecError(
                f"{name}: the function must take ({self.form}) and then its own arguments by keyword: "
                f"def function({self.form}{'' if self.keywords else ', *'}, width=16)"
            ) from None


ANY_CALL = Call()
"""Whatever they take by position, they are given."""


@dataclass(frozen=True)
class Registered(Generic[R, F]):
    """One function of a registry."""

    name: str
    kind: str
    function: Callable[..., R]
    """As it is called."""
    written: Callable[..., Any]
    """As it was written."""
    own: Mapping[str, inspect.Parameter]
    """The arguments that a spec may hold."""
    example: Spec
    facts: F
    aliases: tuple[str, ...] = field(default=())

    @property
    def shipped(self) -> bool:
        """Whether it is part of this package."""
        return is_shipped(self.written)

    @property
    def outside(self) -> tuple[str, ...]:
        """Arguments that name what is asked of a hub, as its facts tell."""
        names: tuple[str, ...] = getattr(self.facts, "outside", ())
        return names

    def places(self, arguments: Mapping[str, Value]) -> list[str]:
        """What such arguments name: `hub(repo='owner/images')`."""
        given = {name: arguments.get(name) for name in self.outside}
        return [f"{self.name}({name}={value!r})" for name, value in given.items() if value is not None]

    @cached_property
    def hints(self) -> Mapping[str, Any]:
        """Annotations by argument; none where they cannot be evaluated."""
        try:
            return get_type_hints(self.written, include_extras=True)
        except Exception:  # names that its module has for type checkers alone, or that are wrong
            return {}

    def check(self, arguments: Mapping[str, Value], reserved: Sequence[str]) -> None:
        """Refuse arguments that the function does not take.

        Raises:
            SpecError: one that is unknown, missing, reserved or of another type.
        """
        known = {key: parameter for key, parameter in self.own.items() if key not in reserved}
        for key in arguments:
            if key not in known:
                hint = nearest(key, known) if known else "; it takes none"
                raise SpecError(f"{self.kind} {self.name!r} has no argument {key!r}{hint}")
        missing = [key for key, p in known.items() if p.default is p.empty and key not in arguments]
        if missing:
            example = self.example if self.example.arguments else f"{self.name}({', '.join(f'{m}=…' for m in missing)})"
            raise SpecError(f"{self.kind} {self.name!r} needs {', '.join(missing)}: e.g. {example}")
        for key, value in arguments.items():
            self._check_type(key, value)

    def list_depth(self, key: str) -> int:
        """How many lists within one another one value of an argument is; by its annotation, or else its default."""
        if key in self.hints:
            return _depth_of_type(self.hints[key])
        return depth(self.own[key].default) if key in self.own else 0

    @cached_property
    def _types(self) -> dict[str, Any]:
        """What reads each argument that was looked at before, which takes longer to make than to use; None where
        nothing does.
        """
        return {}

    def _check_type(self, key: str, value: Value) -> None:
        from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError  # `--help` does without

        if key not in self._types:
            try:
                self._types[key] = TypeAdapter(self.hints.get(key, object))
            except PydanticSchemaGenerationError:
                self._types[key] = None  # an annotation of ours that only the function understands
        if self._types[key] is None:
            return
        try:
            # Through JSON: strict (no "3" for 3) and yet lists for tuples and names for literals. A nested spec goes as
            # its table, which only a function that reads specs itself accepts (annotated as `Any`).
            self._types[key].validate_json(json.dumps(value, default=Spec.to_json), strict=True)
        except ValidationError as error:
            reason = error.errors()[0]["msg"].lower()
            raise SpecError(f"{self.kind} {self.name!r}: {key} = {value!r} is refused: {reason}") from None


def stated_facts(kind: str, record: Any, stated: dict[str, Any]) -> Any:
    """The record of facts; what is stated in it is taken out of `stated`.

    Raises:
        SpecError: a fact that must be stated is missing.
    """
    if missing := missing_facts(record, stated):
        raise SpecError(
            f"a {kind} is registered with its {' and '.join(missing)}: register({missing[0]}=…); {_meaning(record)}"
        )
    return record(**{each.name: stated.pop(each.name) for each in fields(record) if each.name in stated})


def facts_of(kind: str, path: str, record: Any, function: Callable[..., Any], decorator: str) -> Any:
    """The record of facts of a function that nobody registered: its attributes of the same names.

    Raises:
        SpecError: a fact that must be stated is missing; the line says how to state it.
    """
    stated = {each.name: getattr(function, each.name) for each in fields(record) if hasattr(function, each.name)}
    if missing := missing_facts(record, stated):
        name = path.partition(":")[2]
        raise SpecError(
            f"{kind} {path!r} does not state {' and '.join(missing)}: write {name}.{missing[0]} = … under it, or "
            f"{decorator}({missing[0]}=…) above it; {_meaning(record)}"
        )
    return record(**stated)


def missing_facts(record: Any, stated: Mapping[str, Any]) -> list[str]:
    """Facts without a default that are not stated."""
    needed = [each.name for each in fields(record) if each.default is MISSING and each.default_factory is MISSING]
    return [name for name in needed if name not in stated]


def same_definition(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    """Whether two functions are the same lines of the same file, met twice: as a script and as a module."""
    codes = [getattr(inspect.unwrap(each), "__code__", None) for each in (one, other)]
    places = [(code.co_filename, code.co_firstlineno, code.co_qualname) for code in codes if code is not None]
    return len(places) == 2 and places[0] == places[1] and not is_shipped(one)


def depth(value: object) -> int:
    """How many lists within one another a value is."""
    return 1 + max(map(depth, value), default=0) if isinstance(value, list | tuple) else 0


def _depth_of_type(annotation: Any) -> int:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return max(_depth_of_type(each) for each in inner if each is not NoneType)
    if origin is Annotated:
        return _depth_of_type(inner[0])
    kind = origin or annotation
    if isinstance(kind, type) and issubclass(kind, Sequence) and not issubclass(kind, str | bytes):
        return 1 + max((_depth_of_type(each) for each in inner if each is not ...), default=0)
    return 0


def _meaning(record: Any) -> str:
    return (inspect.getdoc(record) or "").split("\n", 1)[0]


def is_shipped(function: Callable[..., Any]) -> bool:
    """Whether a function is part of this package."""
    return str(getattr(function, "__module__", "")).split(".")[0] == __name__.split(".")[0]
