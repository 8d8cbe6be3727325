"""Map over items in worker processes: what a worker tells comes back as it happens, and a worker that dies is replaced.

A worker is a fresh interpreter with one thread of torch, so that several share the cores without waiting for one
another. It prepares itself once and takes one item after another. When this process dies, it ends too.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.resource_tracker import ensure_running
from typing import Any, Generic, TypeVar

from lrensemble.errors import WorkerError

Item = TypeVar("Item")
Message = TypeVar("Message")
Work = Callable[[Item], Iterator[Message]]

SECONDS_TO_END = 60.0
"""How long workers may take to save what they do, when they are asked to stop."""


@dataclass(frozen=True)
class Crashed:
    """A worker died while it did an item, for the last time allowed."""

    item: int
    """Position of the item."""
    exit_status: int | None
    """Of the worker; negative for a signal."""


@dataclass(frozen=True)
class _Ready:
    """The worker is prepared."""


@dataclass(frozen=True)
class _Done:
    """An item is done."""


@dataclass(frozen=True)
class _Raised:
    """An item ended in an error that ends all."""

    error: BaseException


@dataclass(eq=False)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    place: int
    """Among the workers of a time; a worker that dies is replaced in its place, on its device."""
    item: int | None = None
    ready: bool = False


@dataclass(eq=False)
class _Queue(Generic[Item]):
    """Which items wait, and how often each was begun."""

    items: Sequence[Item]
    waiting: list[int]
    begun: dict[int, int] = field(default_factory=dict)

    def next(self) -> int | None:
        """The position of the next item; None where none waits."""
        if not self.waiting:
            return None
        position = self.waiting.pop(0)
        self.begun[position] = self.begun.get(position, 0) + 1
        return position


def in_processes(
    prepare: Callable[..., Work[Item, Message]],
    items: Sequence[Item],
    *,
    workers: int,
    devices: Sequence[str] = (),
    attempts: int = 2,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Message | Crashed, None, None]:
    """Do all items, several at once, and hand on what is told of them, in the order in which it comes.

    Args:
        prepare: run once in every worker; gives the function that does an item and tells of it. It and the items must
            be importable there: functions of modules, records. A script that leads here needs the usual
            `if __name__ == "__main__":`, for a worker imports it too.
        items: what is to be done.
        workers: processes at a time.
        devices: where they compute: the first worker gets the first, and so on, from the first again where there are
            fewer. A worker's device is the argument of its `prepare`; without devices it has none.
        attempts: how often an item is begun before the death of its worker ends it.
        stop: asked between messages; once it says so, the workers are interrupted as by Ctrl-C and waited for.

    Raises:
        KeyboardInterrupt: `stop` said so; the workers have ended.
        WorkerError: an item cannot be handed to a worker, what it told cannot be handed back, or no worker can start.
        BaseException: what the function raised in a worker; the others are interrupted and waited for.
    """
    if workers < 1:
        raise WorkerError(f"workers = {workers} is refused; at least one is needed")
    queue: _Queue[Item] = _Queue(items, waiting=list(range(len(items))))
    crew: list[_Worker] = []
    try:
        while queue.waiting or any(worker.item is not None for worker in crew):
            while queue.waiting and len(crew) < min(workers, len(items)):
                place = min(set(range(workers)) - {worker.place for worker in crew})
                crew.append(_hired(partial(prepare, devices[place % len(devices)]) if devices else prepare, place))
                _hand(crew[-1], queue)
            if stop():
                raise KeyboardInterrupt
            for worker in _ready(crew):
                yield from _heard(worker, crew, queue, attempts)
    finally:
        _dismiss(crew)


def _hired(prepare: Callable[[], Work[Any, Any]], place: int) -> _Worker:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(prepare, there, os.getpid()), daemon=True)
    ensure_running()  # it starts a process too, and lets Ctrl-C through afterwards
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # the worker starts like this: see _serve
    try:
        process.start()
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise WorkerError(f"cannot hand its preparation to a worker process: {error}; see `in_processes`") from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    there.close()
    return _Worker(process, here, place)


def _hand(worker: _Worker, queue: _Queue[Any]) -> None:
    """Give a worker the next item, or none."""
    worker.item = queue.next()
    given = None if worker.item is None else (queue.items[worker.item],)
    try:
        worker.pipe.send(given)
    except OSError:
        pass  # it has died; its pipe says so when it is read
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise WorkerError(f"cannot hand item {worker.item} to a worker process: {error}; see `in_processes`") from error


def _ready(crew: list[_Worker]) -> list[_Worker]:
    """Workers that have something to tell, or have died; waits a little for one."""
    heard = wait([worker.pipe for worker in crew], timeout=0.2)
    return [worker for worker in crew if worker.pipe in heard]


def _heard(worker: _Worker, crew: list[_Worker], queue: _Queue[Any], attempts: int) -> Generator[Any, None, None]:
    """One message of a worker, or its death."""
    try:
        message = worker.pipe.recv()
    except (EOFError, OSError):
        yield from _buried(worker, crew, queue, attempts)
        return
    if isinstance(message, _Raised):
        worker.item = None
        raise message.error
    if isinstance(message, _Ready):
        worker.ready = True
    elif isinstance(message, _Done):
        _hand(worker, queue)
    else:
        yield message


def _buried(worker: _Worker, crew: list[_Worker], queue: _Queue[Any], attempts: int) -> Generator[Any, None, None]:
    """What follows from the death of a worker: its item is done again, or has ended."""
    worker.process.join()
    worker.pipe.close()
    crew.remove(worker)
    status = worker.process.exitcode
    if not worker.ready and status == 1:  # Python's own status of an error, while it started: it would be met again
        raise WorkerError(
            "a worker process could not start; it said why on standard error. A script that starts workers needs "
            'its `if __name__ == "__main__":`'
        )
    if worker.item is None:
        return
    if queue.begun[worker.item] < attempts:
        queue.waiting.insert(0, worker.item)
    else:
        yield Crashed(worker.item, status)


def _dismiss(crew: list[_Worker]) -> None:
    """Interrupt the workers that are busy, and wait for all."""
    for worker in crew:
        if worker.item is not None and worker.process.pid is not None and worker.process.is_alive():
            os.kill(worker.process.pid, signal.SIGINT)
    deadline = time.monotonic() + SECONDS_TO_END
    for worker in crew:
        _wait_for(worker, deadline)
        worker.pipe.close()
        worker.process.join(max(0.0, deadline - time.monotonic()))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _wait_for(worker: _Worker, deadline: float) -> None:
    """Read what a worker that was interrupted still has to tell of its item; it would wait for that for ever."""
    with contextlib.suppress(EOFError, OSError):
        while worker.item is not None and worker.pipe.poll(max(0.0, deadline - time.monotonic())):
            if isinstance(worker.pipe.recv(), _Done | _Raised):
                return


def _serve(prepare: Callable[[], Work[Any, Any]], pipe: Connection, parent: int) -> None:
    """What a worker does: prepare, then item after item, until there is none."""
    os.setpgrp()  # Ctrl-C on the terminal reaches the parent alone, which hands it on once
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # one that came while it started counts from here
        _work(prepare, pipe)
    except KeyboardInterrupt:
        os._exit(130)


def _work(prepare: Callable[[], Work[Any, Any]], pipe: Connection) -> None:
    import torch

    torch.set_num_threads(1)
    try:
        work = prepare()
        _tell(pipe, _Ready())
        while (given := _next(pipe)) is not None:
            for message in work(given[0]):
                _tell(pipe, message)
            _tell(pipe, _Done())
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        _tell(pipe, _Raised(_sendable(error)))


def _next(pipe: Connection) -> tuple[Any] | None:
    """The next item; None where there is none, or nobody to give one."""
    try:
        given: tuple[Any] | None = pipe.recv()
    except (EOFError, OSError):
        return None
    return given


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
        raise WorkerError(f"a worker process cannot hand back a {type(message).__name__}: {error}") from error


def _sendable(error: BaseException) -> BaseException:
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
