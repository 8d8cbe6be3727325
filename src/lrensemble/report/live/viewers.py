"""Who looks at a page: each is told the newest state, and whoever reads slowly misses those in between."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator

from lrensemble.report.live.state import State

SECONDS_OF_SILENCE = 15.0
"""Seconds after which a viewer is told that the server lives, where nothing changes."""

AGAIN = b"retry: 2000\n\n"
"""First message: milliseconds after which a browser asks again when it has lost the server."""


class Viewers:
    """The viewers of a page. All but `somebody_looks` is for the thread of the event loop.

    Nothing is kept for a viewer but the version that it has seen: messages are those of the state, one for all.
    """

    def __init__(self) -> None:
        self.state = State()
        self.count = 0
        self.somebody_looks = threading.Event()
        """Set as long as there is a viewer."""
        self._run = secrets.token_hex(4)
        """Versions of another run of the server say nothing of this one's."""
        self._news = asyncio.Event()
        self._closed = False

    def publish(self, state: State) -> None:
        """Tell all viewers a new state."""
        self.state = state
        self._wake()

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def messages(self, last_seen: str = "") -> AsyncIterator[bytes]:
        """What a viewer is told, from now on until the server ends or it goes.

        Args:
            last_seen: id of the last message that it has had, as a browser says it when it comes again.
        """
        run, _, version = last_seen.partition("-")
        seen = int(version) if run == self._run and version.isdecimal() else 0
        self.count += 1
        self.somebody_looks.set()
        try:
            yield AGAIN
            while not self._closed:
                news, state = self._news, self.state
                for message in state.messages_since(seen):
                    yield message  # returns when it is sent, however long that takes
                if seen != state.version:
                    seen = state.version
                    yield f"id: {self._run}-{seen}\nevent: seen\ndata: {seen}\n\n".encode()
                try:
                    await asyncio.wait_for(news.wait(), SECONDS_OF_SILENCE)
                except TimeoutError:
                    yield b": alive\n\n"
        finally:
            self.count -= 1
            if not self.count:
                self.somebody_looks.clear()
