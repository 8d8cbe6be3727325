"""Worker of Ray: a task that does one item, and tells of it by the mailbox.

It is a plain task: Ray's cancelling reaches it as Ctrl-C, and nothing is lost of what it told, which is both not so of
streaming generators. What it tells last is its result, which has to be sent anyway. What was prepared is kept for the
next item that the same process does.
"""

from __future__ import annotations

import os
import pickle
import platform
import signal
import sys
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from lrensemble.errors import LREnsembleError, WorkerError
from lrensemble.executors.base import Work
from lrensemble.executors.worker import Question, Raised, kinds_of, sendable, together

SECONDS_TOGETHER, MOST_SECONDS_TOGETHER = 1.0, 10.0
"""Messages of so much time are sent together: a call of an actor takes milliseconds of two processes."""

CALLS_PER_SECOND = 4
"""Calls of all workers that the program's machine is to have a second; each of them calls less often for that."""


def seconds_together(workers: int) -> float:
    """Seconds of messages that each of so many workers sends together."""
    return min(MOST_SECONDS_TOGETHER, max(SECONDS_TOGETHER, workers / CALLS_PER_SECOND))


class Begun(NamedTuple):
    """An item is begun."""

    node: str
    """Ray's name of the machine."""
    first: Any
    """What is told with it; perhaps an empty list."""


class Ended(NamedTuple):
    """An item is done."""

    letters: int
    """Number of messages that were told of it before, but for questions."""
    last: list[Any]
    """What was not told before."""


class Left(NamedTuple):
    """An item was left by a worker that was asked to end, as where its machine is taken away."""


class Order(NamedTuple):
    """What a worker is given with every item of a list, the same for all."""

    preparation: str
    """Hash of the preparation, by which a worker knows what it has prepared."""
    device: str | None
    asks: bool
    folder: str
    """Current folder of the program."""
    machine: str
    """Name of the machine of the program."""
    seconds: float = SECONDS_TOGETHER
    """Messages of so much time are sent together."""


@dataclass
class _Caller:
    """The attempt that this process is at, and the program that it tells of it.

    It waits for futures and never in `ray.get`, during which Ray gives the cores of a task to others.
    """

    mailbox: Any
    item: int
    attempt: int
    node: str | None
    """Ray's name of this machine; None once it was told."""
    reply: Future[bool] | None = None
    """To the last message; it comes while the work goes on."""
    told: int = 0
    """Number of messages."""

    def tell(self, message: object) -> None:
        """Tell the program.

        Raises:
            WorkerError: it cannot be sent.
        """
        told = self.pickled(message if self.node is None else Begun(self.node, message))
        self.wait()
        self.node, self.told = None, self.told + 1
        self.reply = self.mailbox.tell.remote(self.item, self.attempt, told).future()

    def pickled(self, message: object) -> bytes:
        """A message as it is sent.

        Raises:
            WorkerError: it cannot be.
        """
        try:
            return pickle.dumps(message)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            sent = message.first if isinstance(message, Begun) else message
            kinds = kinds_of(sent.last if isinstance(sent, Ended) else sent)
            raise WorkerError(f"a worker of Ray cannot hand back a {kinds}: {error}") from error

    def wait(self) -> None:
        """Wait until the last message is there; who does not want to hear more interrupts this worker as by Ctrl-C."""
        import ray

        reply, self.reply, taken = self.reply, None, False
        with suppress(ray.exceptions.RayError):  # the program has died, and its mailbox with it
            taken = reply is None or reply.result()
        if not taken:
            signal.raise_signal(signal.SIGINT)


_prepared: dict[Order, Work[Any, Any]] = {}
"""What this process has prepared; one at a time."""
_callers: dict[Order, _Caller] = {}
"""Whom this process tells of the item that it does."""


def do(order: Order, prepare: list[Any], item: bytes, position: int, attempt: int, mailbox: Any) -> bytes:
    """Do an item; `Ended`, or the error that it ended in as `Raised`, pickled.

    Args:
        order: what the items of a list have in common.
        prepare: reference to the preparation; in a list, so that Ray fetches it only where it is asked for.
        item: to be done, pickled.
        position: of the item.
        attempt: number of this one.
        mailbox: actor of the program.
    """
    import ray

    _callers.clear()
    caller = _callers[order] = _Caller(mailbox, position, attempt, ray.get_runtime_context().get_node_id())
    try:
        if order not in _prepared:
            caller.tell([])  # the preparation takes a while, and may be what kills this process
        work = _work_of(order, prepare)
        last = together(work(pickle.loads(item)), caller.tell, order.seconds)  # of the program's own making
        caller.wait()
        return caller.pickled(Ended(caller.told, last))
    except KeyboardInterrupt as error:
        if type(error) is KeyboardInterrupt:  # Ray's own, of a task that was cancelled
            raise
        caller.tell(Left())
        caller.wait()
        sys.exit(1)  # Ray would give this process another item
    except SystemExit:
        os._exit(1)
    except BaseException as error:
        caller.wait()
        return pickle.dumps(Raised(sendable(placed(error, order.machine))))


def placed(error: BaseException, machine: str) -> BaseException:
    """The error; one of ours says on which machine it was met, unless that is this one: a disk is full there, say."""
    if isinstance(error, LREnsembleError) and platform.node() != machine:
        error.args = (f"on {platform.node()}: {error}",)
    return error


def _work_of(order: Order, prepare: list[Any]) -> Work[Any, Any]:
    if order not in _prepared:
        with suppress(OSError):  # this machine has no such folder
            os.chdir(order.folder)

        def ask(asked: object) -> Any:
            return _answered(_callers[order], asked)

        own: dict[str, Any] = {"ask": ask} if order.asks else {}
        pickled, *arrays = prepare[0].future().result()
        function = pickle.loads(pickled, buffers=arrays)
        made = function(*([] if order.device is None else [order.device]), **own)
        _prepared.clear()
        _prepared[order] = made
    return _prepared[order]


def _answered(caller: _Caller, asked: object) -> Any:
    """Answer of the program; without anybody to give it, the worker ends."""
    import ray

    caller.wait()  # what was told before is read before
    given, question = None, pickle.dumps(Question(asked))
    with suppress(ray.exceptions.RayError):
        given = caller.mailbox.ask.remote(caller.item, caller.attempt, question).future().result()
    if given is None:
        os._exit(1)
    return pickle.loads(given)
