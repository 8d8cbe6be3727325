"""Objects of this process under a name that a recipe can hold.

What was defined in a notebook, on standard input or in a script cannot be imported by another process. Such objects
are attributes of this module. A name ends in a hash of the content, `lrensemble.here:Net_1f3a9c0b`, so that a cell that
was edited and run again makes another recipe.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

PREFIX = f"{__name__}:"
_held: dict[str, Callable[..., Any]] = {}

DIGITS = 8
"""Hexadecimal digits of a hash in a name."""


def hold(function: Callable[..., Any], name: str, digest: str) -> str:
    """The name by which a function is found in this process, from now on.

    Args:
        function: what the name stands for; the latest of equal content.
        name: of the object, for people.
        digest: hash of its content, in hexadecimal.
    """
    key = f"{re.sub(r'[^A-Za-z0-9_]', '', name) or 'unnamed'}_{digest[:DIGITS]}"
    _held[key] = function
    return PREFIX + key


def is_here(path: str) -> bool:
    """Whether a name is one of this module, held or not."""
    return path.startswith(PREFIX)


def gone(path: str) -> str:
    """What to say of a name that this process does not hold."""
    name = path.removeprefix(PREFIX).rpartition("_")[0]
    return (
        f"{name} was defined in a notebook, a script or on standard input, and is not defined so in this process; run "
        "the same definition again and give it to tune, or define it in a module"
    )


def __getattr__(name: str) -> Callable[..., Any]:
    if name in _held:
        return _held[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
