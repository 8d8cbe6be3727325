"""The thread that looks at a pool as long as somebody looks at its page."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextvars import copy_context
from typing import Protocol

from lrensemble.report.live.state import State, changed
from lrensemble.report.live.viewers import Viewers
from lrensemble.report.live.watched import Content

SECONDS_BETWEEN = 1.0
"""Seconds between two looks at least."""

LONGEST_PAUSE = 10.0
"""Seconds between two looks at most, where a look takes as long."""


class Page(Protocol):
    """What is shown at one address: a pool, or the comparison of several."""

    name: str

    def look(self) -> Iterator[Content]:
        """What it shows now, in one or more steps."""


def watch(watched: Page, viewers: Viewers, loop: asyncio.AbstractEventLoop) -> threading.Thread:
    """Start the thread, which dies with the process."""
    context = copy_context()  # what the pool names is trusted there as here
    thread = threading.Thread(target=context.run, args=(_watch, watched, viewers, loop), daemon=True, name="watching")
    thread.start()
    return thread


def _watch(watched: Page, viewers: Viewers, loop: asyncio.AbstractEventLoop) -> None:
    state = State()
    while not loop.is_closed():
        if not viewers.somebody_looks.wait(SECONDS_BETWEEN):
            continue
        began = time.monotonic()
        for content in watched.look():
            state = _published(changed(state, content.title, content.parts()), state, viewers, loop)
        time.sleep(min(max(SECONDS_BETWEEN, time.monotonic() - began), LONGEST_PAUSE))


def _published(now: State, before: State, viewers: Viewers, loop: asyncio.AbstractEventLoop) -> State:
    if now is not before:
        try:
            loop.call_soon_threadsafe(viewers.publish, now)
        except RuntimeError:  # the server has ended
            return before
    return now
