"""Loggers of a sweep, told of every event before the caller is; one that fails is told nothing more."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

from lrensemble.train.execution.events import Event
from lrensemble.train.loggers.base import Logger

logger = logging.getLogger(__name__)


class Loggers:
    """Several loggers as one; they are closed with the block that they are entered for, however it ends."""

    def __init__(self, loggers: Mapping[str, Logger]) -> None:
        """Take loggers, by the names that warnings call them by."""
        self._active = dict(loggers)

    def noted(self, event: Event) -> Event:
        """The event, once all of them have been told of it."""
        for name, each in list(self._active.items()):
            try:
                each.note(event)
            except Exception as error:  # whatever a tracker, its server or the disk raises
                del self._active[name]
                _warn(name, error)
                with suppress(Exception):
                    each.close()
        return event

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name, each in self._active.items():
            try:
                each.close()
            except Exception as error:
                _warn(name, error)


def _warn(name: str, error: Exception) -> None:
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    logger.warning("%s failed (%s) and is told nothing more; training goes on", name, reason)
