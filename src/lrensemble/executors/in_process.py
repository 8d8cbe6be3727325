"""This process itself: one item after another."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Any

from lrensemble.errors import WorkerError
from lrensemble.executors.base import EXECUTORS, Crashed, Item, Message, Work


@EXECUTORS.register
def in_process() -> InProcess:
    """Everything in this process, one job after another: groups in one program, or runs one by one on all threads."""
    return InProcess()


class InProcess:
    """The executor of `in_process`."""

    def places(self, devices: Sequence[str], modules: Sequence[str] = ()) -> tuple[str, ...]:  # noqa: ARG002
        """None.

        Raises:
            WorkerError: several devices, each of which needs a process.
        """
        if len(devices) > 1:
            raise WorkerError(
                f"executor in_process has one device ({', '.join(devices)} were given); give one, or executor processes"
            )
        return ()

    def map(
        self,
        prepare: Callable[..., Work[Item, Message]],
        items: Sequence[Item],
        *,
        devices: Sequence[str] = (),
        attempts: int = 2,  # noqa: ARG002 – who dies here does not begin again
        stop: Callable[[], bool] = lambda: False,
        answer: Callable[[Any], object] | None = None,
    ) -> Generator[Message | Crashed, None, None]:
        """Do the items on the first device. As `Executor.map`."""
        if not items:
            return
        work = prepare(*devices[:1], **({} if answer is None else {"ask": answer}))
        for item in items:
            with closing(work(item)) as messages:  # type: ignore[type-var]
                for message in messages:
                    if stop():
                        raise KeyboardInterrupt
                    yield message
