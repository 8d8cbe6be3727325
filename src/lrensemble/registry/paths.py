"""`package.module:function`: the one place where a name makes us import code.

Whoever writes such a name asks for the code behind it, and may have it in his current folder; a name in a folder from
elsewhere does not pass (`trust`).
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from lrensemble.errors import LREnsembleError, SpecError
from lrensemble.here import gone, is_here
from lrensemble.registry.names import nearest
from lrensemble.registry.trust import let_code_through

R = TypeVar("R")

FORM = "package.module:function"

_HOUSE = Path(__file__).parent.parent


def imported(module: str, what: str) -> Any:
    """A module that somebody asked for by name.

    Args:
        module: its full name.
        what: who needs it, for the message: `policy 'my_rates:halves'`.

    Raises:
        SpecError: it cannot be imported.
    """
    try:
        with _current_folder_last():
            return importlib.import_module(module)
    except Exception as error:  # a module of the user's: anything can go wrong in it
        hint = f"; write {module.removesuffix('.py')} without .py" if module.endswith(".py") else ""
        raise SpecError(f"{what}: cannot import {module!r}: {reason_of(error)}{hint}") from error


@contextmanager
def _current_folder_last() -> Iterator[None]:
    """The current folder is searched too, after all libraries: nothing in it can take the place of one."""
    try:
        here = os.getcwd()
    except OSError:  # it has been removed
        yield
        return
    sys.path.append(here)
    try:
        yield
    finally:
        last = len(sys.path) - 1 - sys.path[::-1].index(here)
        del sys.path[last]


def function_at(path: str, kind: str) -> Callable[..., Any]:
    """What `package.module:function` names.

    Raises:
        UntrustedError: a file from elsewhere names it, and nobody has asked for it.
        SpecError: as `imported` does; or the module has no such function.
    """
    what = f"{kind} {path!r}"
    let_code_through(path, what)
    module_name, _, function_name = path.partition(":")
    module = imported(module_name, what)
    found: Any = module
    for part in function_name.split("."):
        found = getattr(found, part, None)
    if not callable(found) and is_here(path):
        raise SpecError(f"{what}: {gone(path)}")
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


def explained(what: str, function: Callable[..., R]) -> Callable[..., R]:
    """A function that is not ours, whose own errors become a `SpecError` that names it."""

    def called(*positional: object, **keywords: object) -> R:
        try:
            return function(*positional, **keywords)
        except LREnsembleError:
            raise
        except Exception as error:
            raise SpecError(f"{what} failed: {reason_of(error)}") from error

    return called
