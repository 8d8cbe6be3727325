"""What an executor is: who does the items of a list, beside one another, and hands on what is told of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from lrensemble.registry import Call, Registry

Item = TypeVar("Item")
Message = TypeVar("Message")
Work = Callable[[Item], Iterator[Message]]
"""Does an item, and tells of it."""


@dataclass(frozen=True)
class Crashed:
    """Item whose worker died, for the last time allowed."""

    item: int
    """Position of the item."""
    exit_status: int | None
    """Exit status of the worker; negative for a signal; None where nobody knows it."""
    reason: str = ""
    """What is known of the death beside that."""

    def __str__(self) -> str:
        return self.reason or f"status {self.exit_status}"


class Executor(Protocol):
    """Two functions: where items are done, and the doing.

    Whatever dies, an item that was not done is handed out again by the process that has the list; nothing else repeats
    it. That two never do the same item is not the executor's promise but that of the claims in the pool.

    One whose attribute `shares_arrays` is true puts the arrays of a preparation on each machine once, where all workers
    read them: it is given those that others read again in every worker.
    """

    def places(self, devices: Sequence[str], modules: Sequence[str] = ()) -> tuple[str, ...]:
        """Device of each place in which one item is done at a time; none where all is done in this process itself.

        Args:
            devices: names of those that were asked for, `cpu` unless they were.
            modules: names of the user's own modules, which workers must be able to import.

        Raises:
            LREnsembleError: devices that the executor does not have, or an executor that cannot be reached.
        """

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
        """Do all items, and hand on what is told of them, in the order in which it comes.

        Args:
            prepare: run once in every worker, with the device of its place where there are `devices`; gives the
                function that does an item and tells of it. Both it and the items can be pickled.
            items: what is to be done.
            devices: of the places; as many items are done at a time.
            attempts: how often an item is begun before the death of its worker ends it.
            stop: asked between messages; once it says so, what is under way is interrupted as by Ctrl-C and waited for.
            answer: where given, `prepare` also gets a function `ask`: what a worker asks by it is answered here,
                between two messages, while it waits.

        Raises:
            KeyboardInterrupt: `stop` said so, and all has ended.
            BaseException: what the function raised; the other items are interrupted and waited for.
        """


EXECUTORS: Registry[Executor] = Registry("executor", call=Call(()))
"""Functions of their own arguments alone that return an `Executor`. They refuse at once what cannot be used."""
