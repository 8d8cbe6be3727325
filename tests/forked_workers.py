"""Worker processes of sweeps that tests train, forked from a process that has imported the library already.

A fresh worker computes for three seconds before it does anything, most of it imports. `multiprocessing` can fork
workers from a server of its own (start method `forkserver`); here this server is a child of the process of
`tests/forked.py`, so that the imports are done, and stands in the place of the start method `spawn`. A few tests of
`tests/executors` and programs in processes of their own have fresh workers, as everybody else has.
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
"""The server as a forked child: standard input is the socket at which it listens, standard output a pipe that ends with
the last process that may ask for workers."""


class ForkedWorker(context.ForkServerProcess):
    """A worker with the environment in which it is started: the server that forks it has an earlier one."""

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
    """The server that forks workers, started as a child of the process of `tests/forked.py`."""

    _lock: threading.Lock
    _forkserver_address: str | None
    _forkserver_alive_fd: int | None

    def __init__(self, forking: Callable[[], Path]) -> None:
        super().__init__()
        self._forking = forking

    def ensure_running(self) -> None:
        """Start the server when the first worker is wanted."""
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
