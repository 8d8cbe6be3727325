"""The server: it answers until it is told to stop, and then ends what it has begun."""

from __future__ import annotations

import asyncio
import contextlib
import math
import select
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from lrensemble.export.serving.limits import Limits
from lrensemble.export.serving.routes import Service
from lrensemble.export.serving.served import Served

LEAST_SILENCE = 1.0
"""Seconds that a new connection has for its first request at least, and a client to read some more of its answer."""
LAST_REQUESTS = 0.5
"""Seconds in which a server that ends still answers on connections that are open: their requests are on the way."""
CLOSING = (b"connection", b"close")
"""Header by which a client learns that its connection takes no further request."""


class Server(uvicorn.Server):
    """A server whose signals are ours: SIGTERM lets it end in good order, and so does Ctrl-C, which is told."""

    def __init__(self, service: Service, started: Callable[[], None] = lambda: None) -> None:
        """A server of an application; `run` serves it.

        Args:
            service: what answers.
            started: called once it answers, and signals are ours: before, Ctrl-C would end it by a traceback.
        """
        limits = service.limits
        super().__init__(
            uvicorn.Config(
                service.application(),
                log_config=None,
                log_level="error",  # strangers decide how much less would be told
                access_log=False,
                server_header=False,
                ws="none",
                lifespan="on",
                timeout_graceful_shutdown=math.ceil(limits.seconds),
            )
        )
        self.interrupted = False
        """Whether Ctrl-C ended it."""
        self._service, self._tell, self._stop_at = service, started, math.inf
        self._silent: dict[Any, tuple[Any, int, float]] = {}
        """By connection on which nothing moves: its last request, the bytes of its answer that are not read yet,
        and since when."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and tell so."""
        await super().startup(sockets)
        if self.started:
            self._tell()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Take no more requests, after the grace that a balancer needs; a second Ctrl-C drops what is under way."""
        self._service.ready = False
        interrupt = sig == signal.SIGINT
        self.force_exit = interrupt and self.interrupted
        self.interrupted |= interrupt
        self._stop_at = min(self._stop_at, time.monotonic() + (0 if interrupt else self._service.limits.grace))

    async def on_tick(self, counter: int) -> bool:
        """Whether the time has come to stop; asked ten times a second."""
        self.should_exit |= time.monotonic() >= self._stop_at
        self._close_silent(time.monotonic())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, answer what comes on the open ones in `LAST_REQUESTS`, and then what is under way.

        A connection that is closed while its request is on the way is reset, and its client does not know what was
        done; so each is told by its last answer.
        """
        await self._accept_waiting(sockets or [])
        for server in self.servers:
            server.close()
        state = self.server_state
        state.default_headers = [*state.default_headers, CLOSING]
        end = time.monotonic() + LAST_REQUESTS
        await asyncio.sleep(0.02)  # those that were accepted last are no connections yet
        while state.connections and time.monotonic() < end and not self.force_exit:
            await asyncio.sleep(0.02)
        ending = asyncio.create_task(super().shutdown(sockets))
        while not ending.done():
            self._close_silent(time.monotonic())
            await asyncio.wait([ending], timeout=0.1)
        ending.result()

    async def _accept_waiting(self, sockets: list[socket.socket]) -> None:
        """Accept those whose connection the system has made: when a listening socket is closed, it resets them.

        With no backlog it makes no more than one further, which may be lost; others find nobody listening.
        """
        for each in sockets:
            with contextlib.suppress(OSError):  # where it cannot be changed
                each.listen(0)
        quiet = 0
        for _ in range(100):  # some always come
            await asyncio.sleep(0)
            quiet = 0 if select.select(sockets, [], [], 0)[0] else quiet + 1
            if quiet == 2:  # what was accepted in the round before has become a connection by then
                break

    def _close_silent(self, now: float) -> None:
        """Close connections on which no request begins for so long, or no answer is read: half of a head, or a client
        that does not read, could keep one open for ever.

        Uvicorn ends those that are silent after a response that was read, and no others.
        """
        silent = dict[Any, tuple[Any, int, float]]()
        for each in self.server_state.connections:
            asked, unread = getattr(each, "cycle", None), each.transport.get_write_buffer_size()
            if unread or asked is None or asked.response_complete:
                last, left, since = self._silent.get(each, (None, unread, now))
                silent[each] = asked, unread, since if last is asked and unread >= left else now
        self._silent = silent
        for each, (_, unread, since) in silent.items():
            if now - since > max(LEAST_SILENCE, self._service.limits.seconds):
                # What is not read would be waited for by `close`.
                each.transport.abort() if unread else each.transport.close()


def serve(served: Served, limits: Limits, listening: socket.socket, started: Callable[[], None]) -> bool:
    """Answer requests until SIGTERM or Ctrl-C; what has come by then is answered.

    Args:
        served: the ensemble.
        limits: what is taken.
        listening: where.
        started: called once requests are answered.

    Returns:
        Whether Ctrl-C has ended it.
    """
    server = Server(Service(served, limits), started)
    with served.ensemble.on_threads():
        server.run(sockets=[listening])
    return server.interrupted
