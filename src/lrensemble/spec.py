"""The one text form of everything registered: `name` or `name(key=value, …)`.

The same form names policies, models, data sets, selectors, consensus functions and metrics in Python, in TOML and on
the command line. In JSON and TOML it may also be written as a table with a `name`: `{"name": "step", "peak": 0.1}`.
Values are finite numbers, strings, booleans, `None`, lists of those, and nested specs. No argument is called `name`:
in a table that is the name itself.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Union

from lrensemble.errors import SpecError
from lrensemble.text import shortened

Value = Union[None, bool, int, float, str, "Spec", tuple["Value", ...]]
"""What an argument of a spec can be. Lists become tuples, so that a spec is frozen through and through."""

_NAME = re.compile(r"[A-Za-z_][\w\-./:]*")
_NESTED = re.compile(
    r"""'(?:\\.|[^'\\])*+(?:'|\\?\Z)|"(?:\\.|[^"\\])*+(?:"|\\?\Z)"""
    r"""|(?P<name>[A-Za-z_][\w\-./:]*+)(?P<call>\()?""",
    re.DOTALL,
)
"""Quoted text, also without an end, or a name; each is taken whole, so that the text is read once."""
_PLAIN = re.compile(r"\w+")
_HIDDEN = "_hidden_"
_BOOLEANS = {"true": True, "false": False}
"""Booleans as TOML and JSON write them, beside Python's."""
_FORM = "write name or name(key=value, …)"
LARGEST_INTEGER = 2**63 - 1
"""What TOML and most readers of JSON hold, and every generator of random numbers takes as a seed."""
NESTED = 50
"""Specs and lists within one another at most."""
LARGEST = 16 << 20
"""Characters of a text form; what a consensus has learned of many classes may be long."""


@dataclass(frozen=True)
class Spec:
    """A name and its keyword arguments, not yet looked up in any registry."""

    name: str
    arguments: Mapping[str, Value] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.name, tuple(self.arguments.items())))

    def __str__(self) -> str:
        """The text form; `parse(str(spec)) == spec`."""
        if not self.arguments:
            return self.name
        return f"{self.name}({', '.join(f'{key}={_text(value)}' for key, value in self.arguments.items())})"

    def to_json(self) -> dict[str, object]:
        """A JSON-ready dict: `name` first, then the arguments."""
        return {"name": self.name} | {key: _json(value) for key, value in self.arguments.items()}


SpecLike = Spec | str | Mapping[str, object] | Callable[..., Any]
"""Anything that names a registered function: a `Spec`, its text form, its JSON form, or a function of a module."""


def to_spec(given: SpecLike) -> Spec:
    """Read a spec from its text form (`"step(peak=0.1)"`) or its JSON form (`{"name": "step", "peak": 0.1}`).

    A function stands for `package.module:function`, its own place.

    Raises:
        SpecError: the text is not of the form `name(key=value, …)`, or the table has no `name`, or it is nested more
            than `NESTED` deep.
    """
    return _spec(given, 0)


def _spec(given: SpecLike, depth: int) -> Spec:
    if depth > NESTED:
        raise SpecError(f"names and lists are nested more than {NESTED} deep; {_FORM}")
    if isinstance(given, Spec):
        return given
    if isinstance(given, str):
        return _parse(given)
    if isinstance(given, Mapping) and isinstance(given.get("name"), str):
        name = _checked_name(str(given["name"]))
        values = {str(key): partial(_value, value, depth) for key, value in given.items() if key != "name"}
        return Spec(name, {key: _named(name, key, value) for key, value in values.items()})
    if callable(given):
        return Spec(_place_of(given))
    raise SpecError(f"cannot read {shortened(given)} as a name with arguments; {_FORM}, or a table with a name")


def _place_of(function: Callable[..., Any]) -> str:
    place = f"{getattr(function, '__module__', None)}:{getattr(function, '__qualname__', None)}"
    if not _NAME.fullmatch(place):
        raise SpecError(
            f"{function!r} cannot be found again by a name; define it at the top of a module, or give the name that it "
            "is registered under"
        )
    return place


def _parse(text: str) -> Spec:
    name, parenthesis, rest = text.strip().partition("(")
    name = _checked_name(name.strip())
    if not parenthesis:
        return Spec(name)
    if len(text) > LARGEST:
        raise SpecError(f"{shortened(text)} is longer than {LARGEST:,} characters; {_FORM}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Warning)  # Python's own, of text that might be code: '\\d', 1is 2
            call = _renamed(ast.parse(f"f({_NESTED.sub(_hidden, rest)}", mode="eval").body)
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise SpecError(f"cannot read {shortened(text)}; {_FORM}")
        return Spec(name, _arguments(call, text, 0))
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte, or an integer of thousands of digits
        raise SpecError(f"cannot read {shortened(text)}: {error.args[0]}; {_FORM}") from None
    except (RecursionError, MemoryError):  # which the parser raises for brackets and signs without end
        raise SpecError(f"cannot read {shortened(text)}: it is nested too deeply; {_FORM}") from None


def _hidden(match: re.Match[str]) -> str:
    """A nested name that is none to Python, such as `package.module:function`, as one that is."""
    if not match["call"] or _PLAIN.fullmatch(match["name"]):
        return match[0]
    return f"{_HIDDEN}{match['name'].encode().hex()}("


def _renamed(tree: ast.expr) -> ast.expr:
    """The tree with the names as they were written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id.startswith(_HIDDEN):
            node.id = bytes.fromhex(node.id.removeprefix(_HIDDEN)).decode()
    return tree


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise SpecError(f"{shortened(name)} is not a name; {_FORM}")
    return name


def _arguments(call: ast.Call, text: str, depth: int) -> dict[str, Value]:
    if call.args or any(keyword.arg is None for keyword in call.keywords):
        raise SpecError(f"cannot read {shortened(text)}: every argument needs its name; {_FORM}")
    if any(keyword.arg == "name" for keyword in call.keywords):
        wrong = shortened(text)
        raise SpecError(f"cannot read {wrong}: no argument is called name, which in a table is the name itself")
    names = [str(keyword.arg) for keyword in call.keywords]
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        raise SpecError(f"cannot read {shortened(text)}: {twice[0]} is given twice; give it once")
    values = {str(keyword.arg): partial(_node, keyword.value, text, depth + 1) for keyword in call.keywords}
    return {key: _named(shortened(text), key, value) for key, value in values.items()}


def _node(node: ast.expr, text: str, depth: int) -> Value:
    if depth > NESTED:
        raise SpecError(f"cannot read {shortened(text)}: names and lists are nested more than {NESTED} deep; {_FORM}")
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return Spec(node.func.id, _arguments(node, text, depth))
    if isinstance(node, ast.Name) and node.id in _BOOLEANS:
        return _BOOLEANS[node.id]
    if isinstance(node, ast.List | ast.Tuple):
        return tuple(_node(item, text, depth + 1) for item in node.elts)
    try:
        literal = ast.literal_eval(node)
        if not isinstance(literal, bool | int | float | str | None):
            raise ValueError(literal)
    except ValueError:
        hint = f"; put quotes around {node.id!r}" if isinstance(node, ast.Name) else ""
        wrong = shortened(ast.unparse(node))
        raise SpecError(f"cannot read {wrong} in {shortened(text)}: not a number, string or list{hint}") from None
    return _value(literal, depth)


class _OutOfRangeError(ValueError):
    """A number that no argument may be."""


def _named(place: str, argument: str, read: Callable[[], Value]) -> Value:
    """The value of an argument; what is refused is told with the argument's name."""
    try:
        return read()
    except _OutOfRangeError as error:
        raise SpecError(f"{place}: {argument} = {error}") from None


def _value(given: object, depth: int) -> Value:
    if isinstance(given, float):
        if not math.isfinite(given):
            raise _OutOfRangeError(f"{float(given)} is refused; give a finite number")
        return float(given)  # numpy's float64 is a float too, and would not read back from its text
    if isinstance(given, int) and abs(given) > LARGEST_INTEGER:
        raise _OutOfRangeError(f"an integer of {given.bit_length()} bits is refused; give one between -2^63 and 2^63")
    if given is None or isinstance(given, bool | int | str | Spec):
        return given
    if isinstance(given, list | tuple):
        if depth > NESTED:
            raise SpecError(f"lists are nested more than {NESTED} deep; {_FORM}")
        return tuple(_value(item, depth + 1) for item in given)
    if isinstance(given, Mapping):
        return _spec(given, depth + 1)
    if hasattr(given, "dtype") and hasattr(given, "tolist"):  # a number or an array of numpy, a tensor
        plain = given.tolist()
        if not hasattr(plain, "dtype"):  # a long double is no number of Python's, and stays what it is
            return _value(plain, depth + 1)
    raise SpecError(
        f"{shortened(given)} cannot be an argument: allowed are numbers, strings, booleans, lists and nested specs"
    )


def _text(value: Value) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_text(item) for item in value)}]"
    if isinstance(value, Spec):
        return str(value) if value.arguments else f"{value.name}()"  # bare, it would read as a string without quotes
    return repr(value)


def _json(value: Value) -> object:
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    return value.to_json() if isinstance(value, Spec) else value
