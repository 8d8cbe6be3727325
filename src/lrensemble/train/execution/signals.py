"""Signals that ask a program to end, deferred to the end of a step."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lrensemble.train.run.session import Interrupt

STOPPING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Names of the signals that ask a program to end: Ctrl-C; Slurm, Kubernetes and `kill`; a session that is closed;
Ctrl-Break, which Windows has. Those that a system has are handled."""

DEBOUNCE_SECONDS = 0.5
"""Seconds after the first signal in which another counts as the same: launchers forward what the terminal has sent
already."""


@contextmanager
def deferred_interrupt(deadline: float = math.inf) -> Iterator[Interrupt]:
    """Block in which the first signal that asks to end, or the deadline, only sets `pending`; a later signal interrupts
    at once, and the first as well where the interrupt is `immediate`.

    A signal that was ignored when the program began (`nohup`, a shell's background job) stays ignored. Only the main
    thread receives signals; in any other, nothing changes.
    """
    interrupt = Interrupt(deadline)
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    first = 0.0

    def note(number: int, _frame: FrameType | None) -> None:
        nonlocal first
        if interrupt.number is None:
            interrupt.number, first = number, time.monotonic()
            if interrupt.immediate:
                raise interrupt.error()
        elif time.monotonic() - first > DEBOUNCE_SECONDS:
            interrupt.number = number
            raise interrupt.error()

    handled = [number for name in STOPPING if (number := getattr(signal, name, None)) is not None]
    before = {number: signal.getsignal(number) for number in handled}
    replaced = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    for number in replaced:
        signal.signal(number, note)
    try:
        yield interrupt
    finally:
        for number in replaced:
            signal.signal(number, before[number])
