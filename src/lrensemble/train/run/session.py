"""What rides along with all runs of a process: whether it was asked to end, how often to save, how runs are trained."""

from __future__ import annotations

import math
import signal
import time
from dataclasses import dataclass
from typing import Literal

from lrensemble.executors import WORKER_PROCESSES, Executor
from lrensemble.train.run.runs import ShouldContinue
from lrensemble.train.run.sharded.processes import Processes

SAVE_SECONDS = 30.0
"""Time between two savings of a state, where no number of steps is given: what a kill can cost at most."""


class Terminated(KeyboardInterrupt):
    """The program was asked to end by another signal than that of Ctrl-C, and has saved what it did."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number
        """Number of the signal."""

    @property
    def exit_status(self) -> int:
        """What a shell makes of the signal: 143 for SIGTERM, 129 for SIGHUP."""
        return 128 + self.number


class TimeUpError(KeyboardInterrupt):
    """The time that a sweep was given is over, and what it did is saved."""


@dataclass
class Interrupt:
    """Whether the program was asked to end: by a signal, or by the time that it was given."""

    deadline: float = math.inf
    """Time of `time.monotonic` from which on it is to end."""
    number: int | None = None
    """Number of the signal; None where there was none."""
    immediate: bool = False
    """Whether a signal is to interrupt what is under way: there is no step after which it could end."""

    @property
    def pending(self) -> bool:
        """Whether it is to end now."""
        return self.number is not None or time.monotonic() >= self.deadline

    def error(self) -> KeyboardInterrupt:
        """What is raised when the state is saved: for Ctrl-C what Python itself raises."""
        if self.number is None:
            return TimeUpError()
        return KeyboardInterrupt() if self.number == signal.SIGINT else Terminated(self.number)


@dataclass(frozen=True)
class Session:
    """What rides along with the runs that a process trains."""

    interrupt: Interrupt
    """Once it is pending, states are saved after the step and its error is raised."""
    save_steps: int | None = None
    """Steps between two savings of a state; None for as many as take half a minute."""
    should_continue: ShouldContinue | None = None
    """Asked after every epoch but the last whether a run goes on; one that does not is recorded as pruned."""
    executor: Executor = WORKER_PROCESSES
    """Who has the workers of jobs that have some."""
    execution: Literal["one-by-one", "workers", "fused", "sharded"] = "one-by-one"
    """How runs are trained, for the record: all in one program (`fused`), or one after another."""
    processes: Processes | None = None
    """Those that train each run together (`sharded`), of which this one leads."""
    threads: int | None = None
    """Threads that runs compute on; as many as suit the network where it is not given."""
    reproducible: bool = False
    """Whether runs compute `reproducibly`. A run that was interrupted goes on as it began."""


class SaveClock:
    """When a state is due: after a number of steps, or after some time."""

    def __init__(self, save_steps: int | None) -> None:
        self._steps, self._last = save_steps, time.monotonic()

    def strikes(self, step: int) -> bool:
        """Whether the state is to be saved now that so many steps are done."""
        if self._steps:
            return step % self._steps == 0
        if time.monotonic() - self._last < SAVE_SECONDS:
            return False
        self._last = time.monotonic()
        return True
