"""The server: it answers until it is told to stop, and then ends what it has begun."""

from __future__ import annotations

import math
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
"""Seconds that a new connection has for its first request at least."""


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
        self._silent: dict[Any, tuple[Any, float]] = {}

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

    def _close_silent(self, now: float) -> None:
        """Close connections on which no request begins for so long: half of its head could keep one open for ever.

        Uvicorn ends those that are silent after a response, and no others.
        """
        silent = dict[Any, tuple[Any, float]]()
        for each in self.server_state.connections:
            asked = getattr(each, "cycle", None)
            if asked is None or asked.response_complete:
                last, since = self._silent.get(each, (None, now))
                silent[each] = asked, since if last is asked else now
        self._silent = silent
        for each, (_, since) in silent.items():
            if now - since > max(LEAST_SILENCE, self._service.limits.seconds):
                each.transport.close()


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
