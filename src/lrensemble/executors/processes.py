"""Map over items in worker processes: what a worker tells comes back as it happens, and a worker that dies is replaced.

A worker is a fresh interpreter with one thread of torch, so that several share the cores without waiting for one
another. It prepares itself once and takes one item after another. When this process dies, it ends too.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Generic, TypeVar

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
    item: int | None = None


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
    prepare: Callable[[], Work[Item, Message]],
    items: Sequence[Item],
    *,
    workers: int,
    attempts: int = 2,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Message | Crashed, None, None]:
    """Do all items, several at once, and hand on what is told of them, in the order in which it comes.

    Args:
        prepare: run once in every worker; gives the function that does an item and tells of it. It and the items must
            be importable there: functions of modules, records.
        items: what is to be done.
        workers: processes at a time.
        attempts: how often an item is begun before the death of its worker ends it.
        stop: asked between messages; once it says so, the workers are interrupted as by Ctrl-C and waited for.

    Raises:
        KeyboardInterrupt: `stop` said so; the workers have ended.
        BaseException: what the function raised in a worker; the others are interrupted and waited for.
    """
    queue: _Queue[Item] = _Queue(items, waiting=list(range(len(items))))
    crew: list[_Worker] = []
    try:
        while queue.waiting or any(worker.item is not None for worker in crew):
            while queue.waiting and len(crew) < min(workers, len(items)):
                crew.append(_hired(prepare, queue))
            if stop():
                raise KeyboardInterrupt
            for worker in _ready(crew):
                yield from _heard(worker, crew, queue, attempts)
    finally:
        _dismiss(crew)


def _hired(prepare: Callable[[], Work[Item, Message]], queue: _Queue[Item]) -> _Worker:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(prepare, there), daemon=True)
    process.start()
    there.close()
    worker = _Worker(process, here)
    _hand(worker, queue)
    return worker


def _hand(worker: _Worker, queue: _Queue[Item]) -> None:
    """Give a worker the next item, or none."""
    worker.item = queue.next()
    with contextlib.suppress(OSError):  # it has died; its pipe says so when it is read
        worker.pipe.send(None if worker.item is None else (queue.items[worker.item],))


def _ready(crew: list[_Worker]) -> list[_Worker]:
    """Workers that have something to tell, or have died; waits a little for one."""
    heard = wait([worker.pipe for worker in crew], timeout=0.2)
    return [worker for worker in crew if worker.pipe in heard]


def _heard(worker: _Worker, crew: list[_Worker], queue: _Queue[Any], attempts: int) -> Generator[Any, None, None]:
    """One message of a worker, or its death."""
    try:
        message = worker.pipe.recv()
    except (EOFError, OSError):
        worker.process.join()
        crew.remove(worker)
        if worker.item is not None:
            if queue.begun[worker.item] < attempts:
                queue.waiting.insert(0, worker.item)
            else:
                yield Crashed(worker.item, worker.process.exitcode)
        return
    if isinstance(message, _Raised):
        worker.item = None
        raise message.error
    if isinstance(message, _Done):
        _hand(worker, queue)
    else:
        yield message


def _dismiss(crew: list[_Worker]) -> None:
    """Interrupt the workers that are busy, and wait for all."""
    for worker in crew:
        if worker.item is not None and worker.process.pid is not None and worker.process.is_alive():
            os.kill(worker.process.pid, signal.SIGINT)
    for worker in crew:
        _wait_for(worker)
        worker.pipe.close()
        worker.process.join(SECONDS_TO_END)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _wait_for(worker: _Worker) -> None:
    """Read what a worker that was interrupted still has to tell; it would wait for that for ever."""
    with contextlib.suppress(EOFError, OSError):
        while worker.item is not None and worker.pipe.poll(SECONDS_TO_END):
            worker.pipe.recv()


def _serve(prepare: Callable[[], Work[Any, Any]], pipe: Connection) -> None:
    """What a worker does: prepare, then item after item, until there is none."""
    os.setpgrp()  # Ctrl-C on the terminal reaches the parent alone, which hands it on once
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    import torch

    torch.set_num_threads(1)
    try:
        work = prepare()
        while (given := pipe.recv()) is not None:
            for message in work(given[0]):
                pipe.send(message)
            pipe.send(_Done())
    except KeyboardInterrupt:
        os._exit(130)
    except OSError:
        os._exit(1)
    except BaseException as error:
        pipe.send(_Raised(error))


def _end_with(parent: int) -> None:
    """End this process when its parent has died."""
    watch = threading.Event()
    while os.getppid() == parent:
        watch.wait(1.0)
    os._exit(1)
