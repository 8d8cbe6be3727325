"""`package.module:function`: the one place where a name makes us import code.

Whoever writes such a name asks for the code behind it. A pool or a bundle from elsewhere may hold such a name too: what
reads one refuses names of modules that this process was not asked for before (`require_known_paths`), or does without
them (`known_paths_only`).
"""

from __future__ import annotations

import contextlib
import importlib
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from lrensemble.errors import SpecError
from lrensemble.registry.names import nearest
from lrensemble.spec import Spec, SpecLike, to_spec

FORM = "package.module:function"

_HOUSE = Path(__file__).parent.parent
_asked_for: set[str] = set()
"""Modules that were asked for in this process."""
_known_only: ContextVar[bool] = ContextVar("known_only", default=False)


@contextmanager
def known_paths_only() -> Iterator[None]:
    """For names that a pool, a bundle or a result holds: a module that was not asked for before is refused."""
    token = _known_only.set(True)
    try:
        yield
    finally:
        _known_only.reset(token)


def imported(module: str, what: str) -> Any:
    """A module that somebody asked for by name.

    Args:
        module: its full name.
        what: who needs it, for the message: `policy 'my_rates:halves'`.

    Raises:
        SpecError: it cannot be imported, or must not be.
    """
    if _known_only.get():
        _require_known(module, what)
    try:
        found = importlib.import_module(module)
    except Exception as error:  # a module of the user's: anything can go wrong in it
        hint = f"; write {module.removesuffix('.py')} without .py" if module.endswith(".py") else ""
        raise SpecError(f"{what}: cannot import {module!r}: {reason_of(error)}{hint}") from error
    _asked_for.add(module)
    return found


def require_known_paths(what: str, *given: SpecLike) -> None:
    """Refuse specs that a file holds and that name modules which nobody has asked for in this process.

    Args:
        what: the file, for the message.
        given: specs; those nested in their arguments are looked at too.

    Raises:
        SpecError: with what to do where the module is trusted.
    """
    for each in given:
        for path in paths_in(to_spec(each)):
            _require_known(path.partition(":")[0], f"{what} names {path}")


def paths_in(spec: Spec) -> list[str]:
    """Every `package.module:function` that a spec names, by itself or nested."""
    found = [spec.name] if ":" in spec.name else []
    waiting = list(spec.arguments.values())
    while waiting:
        value = waiting.pop()
        if isinstance(value, tuple):
            waiting += value
        elif isinstance(value, Spec):
            found += paths_in(value)
        elif isinstance(value, str) and ":" in value:  # read as a spec by whoever takes one
            with contextlib.suppress(SpecError):
                found += paths_in(to_spec(value))
    return found


def _require_known(module: str, what: str) -> None:
    if module not in _asked_for:
        raise SpecError(
            f"{what}: its code is not imported unasked; if you trust {module!r}, add --plugin {module} "
            f"(in Python, import_plugins([{module!r}]) of lrensemble.registry)"
        )


def function_at(path: str, kind: str) -> Callable[..., Any]:
    """What `package.module:function` names.

    Raises:
        SpecError: as `imported` does; or the module has no such function.
    """
    what = f"{kind} {path!r}"
    module_name, _, function_name = path.partition(":")
    module = imported(module_name, what)
    found: Any = module
    for part in function_name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        names = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        hint = nearest(function_name, names) if names else ""
        raise SpecError(f"{what}: {module_name} has no function {function_name!r}{hint}")
    function: Callable[..., Any] = found
    return function


def reason_of(error: Exception) -> str:
    """In one line, with the place in the user's file where it went wrong."""
    places = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(("<", importlib.__path__[0]))
        and not Path(frame.filename).is_relative_to(_HOUSE)
    ]
    where = f" ({Path(places[-1].filename).name}, line {places[-1].lineno})" if places else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{where}"
