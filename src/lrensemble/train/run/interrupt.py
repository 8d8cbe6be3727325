"""What a program that is asked to end raises, once its runs are saved."""

from __future__ import annotations

import signal
from dataclasses import dataclass


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
