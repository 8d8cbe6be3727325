"""Events on their way to the caller, told to loggers first; one that fails is told nothing more."""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping
from contextlib import closing, suppress

from lrensemble.train.execution.events import Event
from lrensemble.train.loggers.base import Logger

logger = logging.getLogger(__name__)


def logged(events: Generator[Event, None, None], loggers: Mapping[str, Logger]) -> Generator[Event, None, None]:
    """The events, each told to the loggers before it is handed on; they are closed with the events, however these end.

    Args:
        events: of a sweep.
        loggers: by the names that warnings call them by.
    """
    active = dict(loggers)
    try:
        with closing(events):
            for event in events:
                for name, each in list(active.items()):
                    try:
                        each.note(event)
                    except Exception as error:  # whatever a tracker, its server or the disk raises
                        del active[name]
                        _warn(name, error)
                        with suppress(Exception):
                            each.close()
                yield event
    finally:
        for name, each in active.items():
            try:
                each.close()
            except Exception as error:
                _warn(name, error)


def _warn(name: str, error: Exception) -> None:
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    logger.warning("%s failed (%s) and is told nothing more; training goes on", name, reason)
