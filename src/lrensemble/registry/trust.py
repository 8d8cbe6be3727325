"""The trust boundary: what a pool, a bundle, a result or an ensemble may make us do that comes from elsewhere.

Such a folder names things: `package.module:function`, a repository or a checkpoint of a hub. Whoever names one himself,
in Python, in an experiment or on the command line, asks for it. A folder from elsewhere does not: what it names is
imported, or asked of a hub, only where the same was asked for in this process before, or where the folder is trusted.

There is one gate. Readers of such folders close it while they use names of theirs (`known_paths_only`), or refuse a
name before any use of it (`require_known_paths`); the command line leaves it closed for all of a command on a folder
(`close_gate`). `trust_code=True` (`--trust-code`) opens it for one folder.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from lrensemble.errors import SpecError, UntrustedError
from lrensemble.here import gone, is_here
from lrensemble.spec import Spec, SpecLike, to_spec

_asked_for: set[str] = set()
"""Modules of plugins, `package.module:function`, and places such as `hub(repo='owner/images')`, of this process."""
_closed: ContextVar[str] = ContextVar("closed", default="")
"""Whose names are being used, where the gate is closed."""


@contextmanager
def known_paths_only(source: str = "a file from elsewhere", *, trust_code: bool = False) -> Iterator[None]:
    """While names are used that a folder from elsewhere holds.

    Args:
        source: the folder or file, for the message.
        trust_code: whether it is trusted; the gate is open then.
    """
    token = _closed.set("" if trust_code else source)
    try:
        yield
    finally:
        _closed.reset(token)


def close_gate(source: str) -> None:
    """Leave the gate closed for the rest of this context, a command on a folder from elsewhere."""
    _closed.set(source)


def ask_for(*given: SpecLike) -> None:
    """Names that somebody says himself, to be used later, when the gate is closed.

    Raises:
        SpecError: one that cannot be read.
    """
    for each in given:
        _asked_for.update(paths_in(to_spec(each)))


def require_known_paths(source: str, *given: SpecLike, trust_code: bool = False) -> None:
    """Refuse specs of a folder from elsewhere that name code which nobody has asked for in this process.

    Args:
        source: the folder or file, for the message.
        given: specs; those nested in their arguments are looked at too.
        trust_code: whether it is trusted; what it names counts as asked for then.

    Raises:
        UntrustedError: with what to do where it is trusted.
    """
    if trust_code:
        ask_for(*given)
    for each in given:
        for path in paths_in(to_spec(each)):
            if not _is_known(path):
                raise _untrusted(f"{source} names {path}", path)


def let_code_through(path: str, what: str) -> None:
    """Pass the gate with `package.module:function`, or the module of a plugin, and remember that it was asked for.

    Raises:
        UntrustedError: the gate is closed, and it was not.
    """
    if (source := _closed.get()) and not _is_known(path):
        raise _untrusted(f"{source} names {what}", path)
    _asked_for.add(path)


def let_out(place: str) -> None:
    """Pass the gate with something that is asked of a hub, `hub(repo='owner/images')`, and remember it.

    Raises:
        UntrustedError: the gate is closed, and it was not asked for.
    """
    if (source := _closed.get()) and place not in _asked_for:
        raise UntrustedError(
            f"{source} names {place}: nothing is asked of a hub unasked; if you trust it, add --trust-code (in Python, "
            "trust_code=True)"
        )
    _asked_for.add(place)


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


def _is_known(path: str) -> bool:
    return path in _asked_for or path.partition(":")[0] in _asked_for


def _untrusted(begin: str, path: str) -> UntrustedError:
    if is_here(path):
        return UntrustedError(f"{begin}: {gone(path)}")
    module = path.partition(":")[0]
    return UntrustedError(
        f"{begin}: its code is not imported unasked; if you trust it, add --trust-code (in Python, trust_code=True), "
        f"or add --plugin {module} for that module alone"
    )
