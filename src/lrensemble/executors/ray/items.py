"""Items of a list in a cluster: handed out, heard of, handed out again where a worker was lost, and called back."""

from __future__ import annotations

import hashlib
import itertools
import os
import pickle
import platform
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lrensemble.errors import WorkerError
from lrensemble.executors.base import Crashed
from lrensemble.executors.processes import SECONDS_TO_END
from lrensemble.executors.ray.connection import first_line, machines, on_machine
from lrensemble.executors.ray.mailbox import Mailbox
from lrensemble.executors.ray.worker import Begun, Left, Order, do, seconds_together
from lrensemble.executors.worker import Question, Raised

POLL_SECONDS = 0.2
"""Seconds between two looks at whether the program is to stop."""

SECONDS_TO_LISTEN = 60.0
"""Seconds of one call to the mailbox, which waits there for what workers tell."""

SECONDS_TO_TELL = 5.0
"""Seconds until Ray knows that a machine has died, whose workers have died before it as far as one sees."""


@dataclass(eq=False)
class Items:
    """Items, those that are under way, and what became of earlier attempts. Made by `items_of`."""

    ray: Any
    """Its module, connected."""
    mailbox: Any
    task: Any
    prepare: Any
    """Reference to the preparation."""
    order: Order
    items: Sequence[Any]
    waiting: list[int]
    busy: dict[Any, int] = field(default_factory=dict)
    """Item of each task that is under way."""
    attempts: dict[int, int] = field(default_factory=dict)
    """Attempts of each item so far."""
    node: dict[int, str] = field(default_factory=dict)
    """Machine of the last attempt of each item."""
    lost_on: dict[int, list[str]] = field(default_factory=dict)
    """Machines on which a worker was lost with the item."""
    left: set[int] = field(default_factory=set)
    """Items whose worker was asked to end, and said so."""

    letters: Any = None
    """Reference to the letters that come next; None where they are not asked for yet."""
    told: dict[int, int] = field(default_factory=dict)
    """Letters of the last attempt of each item, but for questions."""

    def hand_out(self, most: int) -> None:
        """Give items that wait to the cluster, until it has so many."""
        count = max(0, most - len(self.busy))
        given, self.waiting = self.waiting[:count], self.waiting[count:]
        if not given:
            return
        attempts = {position: self.attempts.get(position, 0) + 1 for position in given}
        self.attempts |= attempts
        self.told.update(dict.fromkeys(given, 0))
        self._got(self.mailbox.open.remote(attempts))
        for position, attempt in attempts.items():
            try:
                item = pickle.dumps(self.items[position])
            except (pickle.PicklingError, AttributeError, TypeError) as error:
                raise WorkerError(f"cannot hand item {position} to a worker of Ray: {error}") from error
            reference = self.task.remote(self.order, [self.prepare], item, position, attempt, self.mailbox)
            self.busy[reference] = position

    def ended(self) -> list[Any]:
        """Tasks that have ended; waits a little for one, or for letters."""
        if self.letters is None:
            self.letters = self.mailbox.take.remote(SECONDS_TO_LISTEN)
        news, _ = self.ray.wait([self.letters, *self.busy], num_returns=1, timeout=POLL_SECONDS)
        return self._there(list(self.busy)) if news and news[0] in self.busy else []

    def _there(self, references: list[Any]) -> list[Any]:
        there: list[Any] = self.ray.wait(references, num_returns=len(references), timeout=0)[0]
        return there

    def heard(self, answer: Callable[[Any], object] | None, *, at_once: bool = False) -> Generator[Any, None, None]:
        """What workers have told; what they ask is answered.

        Args:
            answer: as `Executor.map` takes it.
            at_once: whether all that has come is asked for, and not only what is here already.
        """
        earlier = [] if self.letters is None else [self.letters]
        if not at_once and not (earlier and self._there(earlier)):
            return
        asked, self.letters = [*earlier, *([self.mailbox.take.remote(0.0)] if at_once else [])], None
        for position, attempt, told in itertools.chain(*self._got(asked)):
            message = pickle.loads(told)
            if isinstance(message, Begun):
                self.node[position], message = message.node, message.first
            if isinstance(message, Question) and answer is not None:
                self._got(self.mailbox.answer.remote(position, pickle.dumps(answer(message.asked))))
                continue
            self.told[position] += attempt == self.attempts[position]
            if isinstance(message, Left):
                self.left.add(position)
            else:
                yield from message

    def _got(self, replies: Any) -> Any:
        """Replies of the mailbox.

        Raises:
            WorkerError: it has died, as where the machine has no memory left.
        """
        try:
            return self.ray.get(replies)
        except self.ray.exceptions.RayActorError as error:
            raise WorkerError(
                f"executor ray has lost its mailbox, a process of this machine: {first_line(error)}; what was trained "
                "is in the pool, and the same command goes on"
            ) from None

    def settled(self, reference: Any, most: int, answer: Callable[[Any], object] | None) -> Iterator[Any]:
        """What is left to tell of a task that has ended; an item that was lost waits again, unless attempts are over.

        Raises:
            BaseException: the error that it ended in.
        """
        position, errors = self.busy.pop(reference), self.ray.exceptions
        try:
            result = pickle.loads(self.ray.get(reference))
        except (errors.RayTaskError, errors.RuntimeEnvSetupError) as error:
            raise WorkerError(f"a worker of Ray could not begin an item: {first_line(error)}") from error
        except errors.RayError as error:
            yield from self.heard(answer, at_once=True)
            cancelled = isinstance(error, errors.TaskCancelledError)
            self.left |= {position} if cancelled else set()
            yield from self._lost(position, most, f"{type(error).__name__}: {first_line(error)}")
            return
        if isinstance(result, Raised):
            yield from self.heard(answer, at_once=True)
            raise result.error
        if self.told[position] < result.letters:
            yield from self.heard(answer, at_once=True)
        yield from result.last

    def _lost(self, position: int, most: int, reason: str) -> Iterator[Crashed]:
        """Consequence of a lost worker. One that left, or was lost with its machine, is no failing of the item."""
        if position in self.left:
            self.left.discard(position)
        else:
            lost = self.lost_on.setdefault(position, [])
            lost.append(self.node.get(position, ""))
            if len(lost) >= most and self._deaths(lost, most) >= most:
                yield Crashed(position, None, reason)
                return
        self.waiting.insert(0, position)

    def _deaths(self, nodes: list[str], most: int) -> int:
        """Deaths on machines that are alive; one that dies is seen by Ray a little later than its workers' deaths."""
        deadline = time.monotonic() + SECONDS_TO_TELL
        while True:
            alive = {node["NodeID"] for node in machines(self.ray)}
            deaths = sum(node in alive for node in nodes)
            if deaths < most or time.monotonic() > deadline:
                return deaths
            time.sleep(POLL_SECONDS)

    def call_back(self, answer: Callable[[Any], object] | None) -> None:
        """Interrupt what is under way as by Ctrl-C, and wait for it; a worker may still ask meanwhile."""
        deadline = time.monotonic() + SECONDS_TO_END
        try:
            for reference in self.busy:
                self.ray.cancel(reference, recursive=False)
            while self.busy and time.monotonic() < deadline:
                for reference in self.ended():
                    self.busy.pop(reference)
                for _ in self.heard(answer):
                    pass
        except Exception:  # whatever ended all may also be why there is no answer
            pass
        finally:
            for reference in self.busy:
                self.ray.cancel(reference, force=True, recursive=False)
            self.ray.kill(self.mailbox)


def items_of(
    ray: Any,
    prepare: object,
    items: Sequence[Any],
    options: dict[str, Any],
    device: str | None,
    *,
    workers: int,
    asks: bool,
) -> Items:
    """Items that wait, with a mailbox of their own on this machine.

    A worker knows what it has prepared by what `prepare` is, so that it keeps the data for the next round of a search.

    Args:
        ray: its module, connected.
        prepare: what is run once in every worker.
        items: what is to be done.
        options: of Ray's tasks.
        device: that workers compute on; None where `prepare` takes none.
        workers: at a time, as far as is known; the more there are, the less often each tells.
        asks: whether `prepare` takes `ask`.

    Raises:
        WorkerError: `prepare` cannot be handed to a worker.
    """
    stored = _stored(ray, prepare)
    here = on_machine(ray.get_runtime_context().get_node_id())
    # Its calls are no tasks that anybody looks for among those of the cluster, and to list each costs a millisecond.
    own = {"num_cpus": 0, "scheduling_strategy": here, "max_concurrency": 10_000, "enable_task_events": False}
    mailbox = ray.remote(Mailbox).options(**own).remote()
    order = Order(stored.digest, device, asks, os.getcwd(), platform.node(), seconds_together(workers))
    task = ray.remote(do).options(max_retries=0, **options)  # what is lost is handed out again here, not by Ray
    return Items(ray, mailbox, task, stored.reference, order, items, list(range(len(items))))


@dataclass(frozen=True)
class _Stored:
    """Preparation in the object store of the cluster."""

    job: str
    """Ray's name of this connection, with which the store forgets it."""
    digest: str
    """Hash of it, with its arrays."""
    reference: Any


_last: list[_Stored] = []
"""The last preparation that was stored: a search hands out the same in every round."""


def _stored(ray: Any, prepare: object) -> _Stored:
    """A preparation in the object store: once on each machine, where workers read its arrays in place.

    Raises:
        WorkerError: it cannot be handed to a worker.
    """
    arrays = list[pickle.PickleBuffer]()
    try:
        pickled = pickle.dumps(prepare, protocol=5, buffer_callback=arrays.append)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise WorkerError(f"cannot hand its preparation to a worker of Ray: {error}") from error
    views = [np.asarray(array.raw()) for array in arrays]
    digest, job = hashlib.sha256(pickled), ray.get_runtime_context().get_job_id()
    for view in views:
        digest.update(view.data)
    if not _last or (_last[0].job, _last[0].digest) != (job, digest.hexdigest()):
        _last[:] = [_Stored(job, digest.hexdigest(), ray.put([pickled, *views]))]
    return _last[0]
