"""Signals that ask a program to end, and wait for the end of a step."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

STOPPING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""What asks a program to end: Ctrl-C; Slurm, Kubernetes and `kill`; a session that is closed; Ctrl-Break, which Windows
has. Of them, those that a system knows are heard."""

SAME_SECONDS = 0.5
"""A signal so soon after the first is the same one again: launchers hand on what the terminal has sent already."""


class Terminated(KeyboardInterrupt):
    """The program was asked to end by another signal than that of Ctrl-C, and has saved what it did."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number
        """Of the signal."""

    @property
    def exit_status(self) -> int:
        """What a shell makes of the signal: 143 for SIGTERM, 129 for SIGHUP."""
        return 128 + self.number


@dataclass
class Interrupt:
    """Whether the program was asked to end, and by which signal."""

    pending: bool = False
    number: int = signal.SIGINT

    def error(self) -> KeyboardInterrupt:
        """What is raised when the state is saved: for Ctrl-C what Python itself raises."""
        return KeyboardInterrupt() if self.number == signal.SIGINT else Terminated(self.number)


@contextmanager
def deferred_interrupt() -> Iterator[Interrupt]:
    """In this block the first signal that asks to end only sets `pending`; a later one interrupts at once.

    A signal that was ignored when the program began (`nohup`, a shell's background job) stays ignored. Only the main
    thread receives signals; in any other, nothing changes.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    first = 0.0

    def note(number: int, _frame: FrameType | None) -> None:
        nonlocal first
        if not interrupt.pending:
            interrupt.pending, interrupt.number, first = True, number, time.monotonic()
        elif time.monotonic() - first > SAME_SECONDS:
            interrupt.number = number
            raise interrupt.error()

    heard = [number for name in STOPPING if (number := getattr(signal, name, None)) is not None]
    before = {number: signal.getsignal(number) for number in heard}
    taken = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    for number in taken:
        signal.signal(number, note)
    try:
        yield interrupt
    finally:
        for number in taken:
            signal.signal(number, before[number])
