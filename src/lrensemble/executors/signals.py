"""Ctrl-C between a program and its workers, also on systems without process groups or signal masks.

Where there are process groups, each worker has its own: Ctrl-C on the terminal reaches the program alone, which hands
it on. Elsewhere every signal that is sent would end the worker at once: it is told by its pipe, and signals itself.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.resource_tracker import ensure_running


def has_groups() -> bool:
    """Whether a worker can have a process group of its own, and be signalled."""
    return hasattr(os, "setpgrp")


def leave_group() -> None:
    """Leave the process group of the terminal in a worker, where that is possible."""
    if has_groups():
        os.setpgrp()


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """A block in which a process is started that holds back Ctrl-C until it lets it through."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    ensure_running()  # it starts a process too, and lets Ctrl-C through afterwards
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_interrupts_through() -> None:
    """Let Ctrl-C through in a worker; one that came while it started counts from here."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


def interrupt(process: int, pipe: Connection) -> None:
    """Interrupt a worker as by Ctrl-C."""
    if has_groups():
        os.kill(process, signal.SIGINT)
        return
    with suppress(OSError):  # it has died
        pipe.send(None)


def heed(pipe: Connection) -> None:
    """Interrupt this worker, between two messages, where the program asked for it and could not signal it."""
    if not has_groups() and pipe.poll():
        signal.raise_signal(signal.SIGINT)
