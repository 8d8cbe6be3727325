"""Worker processes that are forked from one that has imported the library already.

A fresh worker computes for three seconds before it does anything, most of it imports. A few tests of `tests/executors`
and programs in processes of their own have fresh ones, as everybody else has; those that tests start themselves are
forked.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import connection, context, forkserver, resource_tracker
from pathlib import Path
from typing import Any

import pytest
from tests.forked import ROOT, ask

FORKED_WORKERS = """
import multiprocessing
multiprocessing.context._concrete_contexts["spawn"] = multiprocessing.get_context("fork")
"""
"""What a script of a forked child begins with whose workers shall be forked too."""

SERVE = """
import os
import signal
from multiprocessing import forkserver

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # until a worker lets them through
listener, alive = os.dup(0), os.dup(1)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
os.dup2(2, 1)
forkserver.main(listener, alive, [])
"""
"""A forked child that forks workers: it is given where it listens, and what ends with the last that knows it."""


class ForkedWorker(context.ForkServerProcess):
    """A worker with the environment of the moment that it is started in, which the process it is forked from lacks."""

    _args: tuple[Any, ...]

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.starter, self.environment = os.getpid(), dict(os.environ)

    def run(self) -> None:
        """Do the work; the parent, whose end is waited for, is the process that this one was forked from."""
        os.environ.clear()
        os.environ.update(self.environment)
        self._args = tuple(os.getppid() if each == self.starter else each for each in self._args)
        super().run()


class ForkingContext(context.ForkServerContext):
    """What `multiprocessing.get_context` gives, with such workers."""

    Process = ForkedWorker


class ForkingServer(forkserver.ForkServer):
    """What workers are forked from is itself a child of the process of `tests/forked.py`, and imports nothing."""

    _lock: threading.Lock
    _forkserver_address: str | None
    _forkserver_alive_fd: int | None

    def __init__(self, forking: Callable[[], Path]) -> None:
        super().__init__()
        self._forking = forking

    def ensure_running(self) -> None:
        """Have it started, when the first worker is wanted."""
        with self._lock:
            resource_tracker.ensure_running()
            if self._forkserver_address is not None:
                return
            with socket.socket(socket.AF_UNIX) as listener:
                place = connection.arbitrary_address("AF_UNIX")  # type: ignore[attr-defined]
                listener.bind(place)
                listener.listen()
                alive_r, self._forkserver_alive_fd = os.pipe()
                given = [listener.fileno(), alive_r, 2]
                self._asked = ask(self._forking(), ["-c", SERVE], ROOT, os.environ, given)
                os.close(alive_r)
                self._forkserver_address = place

    def close(self) -> None:
        """Let it end."""
        if self._forkserver_alive_fd is not None:
            os.close(self._forkserver_alive_fd)
            self._asked.close()


@contextmanager
def forked_workers(forking: Callable[[], Path]) -> Iterator[None]:
    """A block in which workers are forked.

    Args:
        forking: gives the socket of the process of `tests/forked.py`.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        yield
        return
    server = ForkingServer(forking)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forkserver, "connect_to_new_process", server.connect_to_new_process)
        patch.setitem(context._concrete_contexts, "spawn", ForkingContext())  # type: ignore[attr-defined]
        yield
    server.close()
