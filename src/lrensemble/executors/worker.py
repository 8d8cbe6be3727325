"""Worker process: it prepares itself, takes one item after another, and reports to the process that started it.

What it tells of an item goes as lists: the first message at once, those of the next tenth of a second together, the
last ones with the news that the item is done. So a message is far cheaper than the smallest step of training, for both
sides.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from lrensemble.errors import WorkerError
from lrensemble.executors.base import Message, Work
from lrensemble.executors.signals import heed, leave_group, let_interrupts_through

SECONDS_TOGETHER = 0.1
"""Messages of so much time are sent together."""


@dataclass(frozen=True)
class Ready:
    """The worker is prepared."""


@dataclass(frozen=True)
class Done:
    """An item is done."""

    last: list[Any]
    """What was not told of it before."""


@dataclass(frozen=True)
class Question:
    """A worker asks the process that started it, and waits."""

    asked: Any


@dataclass(frozen=True)
class Answer:
    """Answer to the question of a worker."""

    answer: Any


@dataclass(frozen=True)
class Raised:
    """An item ended in an error that ends all."""

    error: BaseException


def serve(prepare: Callable[..., Work[Any, Any]], pipe: Connection, parent: int, *, asks: bool) -> None:
    """Main function of a worker: prepare, then do item after item, until there is none."""
    leave_group()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    try:
        let_interrupts_through()
        _work(partial(prepare, ask=partial(_ask, pipe)) if asks else prepare, pipe)
    except KeyboardInterrupt:
        os._exit(130)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # all is told and written: an interpreter with torch takes a second to come to its end


def _work(prepare: Callable[[], Work[Any, Any]], pipe: Connection) -> None:
    try:
        work = prepare()
        _tell(pipe, Ready())
        while (given := _next(pipe)) is not None:
            _tell(pipe, Done(together(work(given[0]), partial(_told, pipe))))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        _tell(pipe, Raised(sendable(error)))


def together(
    messages: Iterable[Message], tell: Callable[[list[Message]], object], seconds: float = SECONDS_TOGETHER
) -> list[Message]:
    """Tell messages in lists of so many seconds each, the first alone; an error comes after what was there before it.

    Returns:
        The last ones, which are not told: they can go with the news that there are no more.
    """
    waiting, last = list[Message](), -seconds
    try:
        for message in messages:
            waiting.append(message)
            if time.monotonic() - last >= seconds:
                ready, waiting, last = waiting, [], time.monotonic()
                tell(ready)
    except BaseException:
        if waiting:
            tell(waiting)
        raise
    return waiting


def _told(pipe: Connection, messages: list[Any]) -> None:
    """Send messages, and heed what the program says by the same pipe."""
    _tell(pipe, messages)
    heed(pipe)


def _next(pipe: Connection) -> tuple[Any] | None:
    """The next item; None where there is none, or nobody to give one."""
    try:
        given: tuple[Any] | None = pipe.recv()
    except (EOFError, OSError):
        return None
    return given


def _ask(pipe: Connection, asked: object) -> Any:
    """Answer of the process that started this one; without anybody to give it, the worker ends."""
    _tell(pipe, Question(asked))
    while True:
        try:
            given = pipe.recv()
        except (EOFError, OSError):
            os._exit(1)
        if isinstance(given, Answer):
            return given.answer
        signal.raise_signal(signal.SIGINT)  # as `heed` does; the answer still comes


def _tell(pipe: Connection, message: object) -> None:
    """Send a message; without anybody to hear it there is nothing left to do, and the worker ends.

    Raises:
        WorkerError: it cannot be sent.
    """
    try:
        pipe.send(message)
    except OSError:
        os._exit(1)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        kinds = kinds_of(message.last if isinstance(message, Done) else message)
        raise WorkerError(f"a worker process cannot hand back a {kinds}: {error}") from error


def kinds_of(message: object) -> str:
    """Types of what is told, for people."""
    return " or ".join(sorted({type(each).__name__ for each in (message if isinstance(message, list) else [message])}))


def sendable(error: BaseException) -> BaseException:
    """The error with its traceback as a note; one that does not survive the way as a WorkerError that quotes it."""
    trace = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))  # of this process's own making
    except Exception:
        error = WorkerError(f"a worker process met {type(error).__name__}: {' '.join(str(error).split())}")
    error.add_note(f"In a worker process:\n{trace}")
    return error


def _end_with(parent: int) -> None:
    """End this process when its parent has died, even before this one could look."""
    watch = threading.Event()
    while os.getppid() == parent:
        watch.wait(1.0)
    os._exit(1)
