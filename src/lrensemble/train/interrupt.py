"""Ctrl-C that waits for the end of a step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Interrupt:
    """Whether Ctrl-C was pressed."""

    pending: bool = False


@contextmanager
def deferred_interrupt() -> Iterator[Interrupt]:
    """In this block the first Ctrl-C only sets `pending`; a second one interrupts at once.

    Only the main thread receives signals; in any other, nothing changes.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def note(number: int, frame: FrameType | None) -> None:
        if interrupt.pending:
            signal.default_int_handler(number, frame)
        interrupt.pending = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
