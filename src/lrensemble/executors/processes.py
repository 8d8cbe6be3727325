"""Map over items in worker processes: what a worker tells comes back as it happens, and a worker that dies is replaced.

A worker is a fresh interpreter. It prepares itself once and takes one item after another. When this process dies, it
ends too.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Generic

from lrensemble.environment import cores
from lrensemble.errors import WorkerError
from lrensemble.executors.base import EXECUTORS, Crashed, Item, Message, Work
from lrensemble.executors.signals import interrupt, interrupts_held_back
from lrensemble.executors.worker import Answer, Done, Question, Raised, Ready, serve
from lrensemble.limits import Count

SECONDS_TO_END = 60.0
"""Seconds that workers have to save their state when they are asked to stop."""


@EXECUTORS.register(workers=4)
def processes(*, workers: Count | None = None) -> WorkerProcesses:
    """Worker processes on this machine, each of one thread, or each with a device of its own.

    Args:
        workers: at a time; one a core, or one a device where there are several, unless given.
    """
    return WorkerProcesses(workers)


@dataclass(frozen=True)
class WorkerProcesses:
    """The executor of `processes`."""

    workers: int | None = None

    def places(self, devices: Sequence[str], modules: Sequence[str] = ()) -> tuple[str, ...]:  # noqa: ARG002
        """Devices in turn, one for each worker."""
        count = self.workers or (len(devices) if len(devices) > 1 else cores())
        return tuple(devices[place % len(devices)] for place in range(count))

    def map(
        self,
        prepare: Callable[..., Work[Item, Message]],
        items: Sequence[Item],
        *,
        devices: Sequence[str] = (),
        attempts: int = 2,
        stop: Callable[[], bool] = lambda: False,
        answer: Callable[[Any], object] | None = None,
    ) -> Generator[Message | Crashed, None, None]:
        """Do the items in worker processes. As `Executor.map`."""
        workers = len(devices) or self.workers or cores()
        yield from in_processes(
            prepare, items, workers=workers, devices=devices, attempts=attempts, stop=stop, answer=answer
        )


WORKER_PROCESSES = WorkerProcesses()
"""Those that a sweep has unless it is told otherwise."""


@dataclass(eq=False)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    place: int
    """Place among the workers; a worker that dies is replaced in its place, on its device."""
    item: int | None = None
    ready: bool = False


@dataclass(eq=False)
class _Queue(Generic[Item]):
    """Items that wait, and the number of times that each was begun."""

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
    answer: Callable[[Any], object] | None = None,
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
        answer: where given, `prepare` also gets a function `ask`: what a worker asks by it is answered here, between
            two messages, while it waits. Questions and answers are pickled.
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
                own = partial(prepare, devices[place % len(devices)]) if devices else prepare
                crew.append(_hired(own, place, asks=answer is not None))
                _hand(crew[-1], queue)
            if stop():
                raise KeyboardInterrupt
            for worker in _ready(crew):
                yield from _heard(worker, crew, queue, attempts, answer)
    finally:
        _dismiss(crew, answer)


def _hired(prepare: Callable[..., Work[Any, Any]], place: int, *, asks: bool) -> _Worker:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(prepare, there, os.getpid()), kwargs={"asks": asks}, daemon=True)
    try:
        with interrupts_held_back():  # until the worker lets them through
            process.start()
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise WorkerError(f"cannot hand its preparation to a worker process: {error}; see `in_processes`") from error
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


def _heard(
    worker: _Worker,
    crew: list[_Worker],
    queue: _Queue[Any],
    attempts: int,
    answer: Callable[[Any], object] | None,
) -> Generator[Any, None, None]:
    """Message of a worker, or its death; what it asks is answered."""
    try:
        message = worker.pipe.recv()
    except (EOFError, OSError):
        yield from _buried(worker, crew, queue, attempts)
        return
    if isinstance(message, Raised):
        worker.item = None
        raise message.error
    if isinstance(message, Ready):
        worker.ready = True
    elif isinstance(message, Done):
        _hand(worker, queue)
        yield from message.last
    elif isinstance(message, Question) and answer is not None:
        _answer(worker, answer(message.asked))
    else:
        yield from message


def _answer(worker: _Worker, answer: object) -> None:
    """Give a worker the answer that it waits for, unless it has died meanwhile: its pipe says so when it is read."""
    with contextlib.suppress(OSError):
        worker.pipe.send(Answer(answer))


def _buried(worker: _Worker, crew: list[_Worker], queue: _Queue[Any], attempts: int) -> Generator[Any, None, None]:
    """Consequence of the death of a worker: its item is done again, or has ended."""
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


def _dismiss(crew: list[_Worker], answer: Callable[[Any], object] | None) -> None:
    """Interrupt the workers that are busy, and wait for all."""
    for worker in crew:
        if worker.item is not None and worker.process.pid is not None and worker.process.is_alive():
            interrupt(worker.process.pid, worker.pipe)
    deadline = time.monotonic() + SECONDS_TO_END
    for worker in crew:
        _wait_for(worker, deadline, answer)
        worker.pipe.close()
        worker.process.join(max(0.0, deadline - time.monotonic()))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _wait_for(worker: _Worker, deadline: float, answer: Callable[[Any], object] | None) -> None:
    """Read what a worker that was interrupted still has to tell or ask of its item; it would wait for that for ever."""
    with contextlib.suppress(EOFError, OSError):
        while worker.item is not None and worker.pipe.poll(max(0.0, deadline - time.monotonic())):
            message = worker.pipe.recv()
            if isinstance(message, Done | Raised):
                return
            if isinstance(message, Question) and answer is not None:
                try:
                    _answer(worker, answer(message.asked))
                except Exception:  # whatever ended all may also be why there is no answer
                    worker.process.kill()
                    return
