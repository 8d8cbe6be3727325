"""What a logger is: told every event of a sweep, in the process that reads them."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from lrensemble.errors import MissingExtraError
from lrensemble.registry import Call, Registry
from lrensemble.train.execution.events import Event


class Logger(Protocol):
    """Two functions. Whatever they raise is one warning, and the logger is told nothing more; training goes on."""

    def note(self, event: Event) -> None:
        """Take note of an event. Training waits for it."""

    def close(self) -> None:
        """The sweep has ended, or was interrupted."""


LOGGERS: Registry[Logger] = Registry("logger", call=Call(("pool",)))
"""Functions of (pool, *, own arguments) that return a `Logger`. They refuse at once what cannot be logged to, and write
nothing before the first event."""


def needed(module: str, logger: str, product: str) -> Any:
    """A module that comes with an extra of the logger's name.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtraError(f"logger {logger} needs {product}; pip install 'lrensemble[{logger}]'") from None
