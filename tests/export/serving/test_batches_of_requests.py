"""Requests together: what one thread predicts at once, in which order, and who bears a failure."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.apart import run_apart

from lrensemble.errors import DataError
from lrensemble.export.serving.batches import Batches


class Slow:
    """Twice its rows; it notes how many came at once, and waits in the first batch until it may go on."""

    def __init__(self) -> None:
        self.sizes = list[int]()
        self.go = threading.Event()
        self.begun = threading.Event()

    def __call__(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        self.sizes.append(len(rows))
        self.begun.set()
        assert self.go.wait(30)
        if bool((rows < 0).any()):
            raise DataError("a row is negative")
        return 2 * rows


def rows(*values: float) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)[:, None]


def run(
    slow: Slow, ask: Callable[[Batches], Coroutine[Any, Any, Any]], *, batch_rows: int = 4, delay: float = 0.0
) -> Any:
    """What `ask` gives while the queue is served."""

    async def served() -> Any:
        batches = Batches(slow, batch_rows=batch_rows, delay=delay)
        task = asyncio.create_task(batches.run())
        try:
            return await ask(batches)
        finally:
            slow.go.set()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return run_apart(served())


async def behind(slow: Slow, batches: Batches, *asked: NDArray[np.float64]) -> list[Any]:
    """Answers to requests that come while a first one is predicted."""
    first = asyncio.create_task(batches.said(rows(100.0)))
    await asyncio.to_thread(slow.begun.wait, 30)
    tasks = [asyncio.create_task(batches.said(each)) for each in asked]
    while len(batches) < len(asked):
        await asyncio.sleep(0)
    slow.go.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert (await first).tolist() == [[200.0]]
    return answers


def test_those_that_come_during_a_prediction_are_the_next_batch() -> None:
    slow = Slow()
    found = run(slow, lambda batches: behind(slow, batches, rows(1), rows(2, 3), rows(4), rows(5), rows(6, 7)))
    assert [each.tolist() for each in found] == [[[2]], [[4], [6]], [[8]], [[10]], [[12], [14]]]
    assert slow.sizes == [1, 4, 3], "at most four rows, in the order of their arrival"


def test_a_request_of_more_rows_is_a_batch_of_its_own() -> None:
    slow = Slow()
    found = run(slow, lambda batches: behind(slow, batches, rows(1), rows(1, 2, 3, 4, 5, 6), rows(7)))
    assert [len(each) for each in found] == [1, 6, 1]
    assert slow.sizes == [1, 1, 6, 1]


def test_one_that_fails_fails_alone() -> None:
    slow = Slow()
    good, bad, also = run(slow, lambda batches: behind(slow, batches, rows(1), rows(-1), rows(3)))
    assert (good.tolist(), also.tolist()) == ([[2]], [[6]])
    assert isinstance(bad, DataError)
    assert slow.sizes == [1, 3, 1, 1, 1]


def test_rows_that_cannot_be_put_together_are_predicted_alone() -> None:
    """The queue goes on: an error outside of a prediction ended it, and every later request waited for ever."""
    slow = Slow()
    asked = rows(1), np.array([[2.0, 3.0]])
    found = run(slow, lambda batches: asyncio.wait_for(behind(slow, batches, *asked), 30))
    assert [each.tolist() for each in found] == [[[2]], [[4, 6]]]
    assert slow.sizes == [1, 1, 1]


def test_who_has_gone_is_not_predicted() -> None:
    slow = Slow()

    async def ask(batches: Batches) -> None:
        first = asyncio.create_task(batches.said(rows(1)))
        await asyncio.to_thread(slow.begun.wait, 30)
        gone = asyncio.create_task(batches.said(rows(2)))
        await asyncio.sleep(0)
        gone.cancel()
        stays = asyncio.create_task(batches.said(rows(3)))
        await asyncio.sleep(0)
        slow.go.set()
        assert ((await first).tolist(), (await stays).tolist()) == ([[2]], [[6]])

    run(slow, ask)
    assert slow.sizes == [1, 1]


def test_a_request_waits_for_others_until_the_batch_is_full() -> None:
    slow = Slow()
    slow.go.set()

    async def ask(batches: Batches) -> list[Any]:
        return await asyncio.gather(*(batches.said(rows(value)) for value in (1.0, 2.0, 3.0)))

    found = run(slow, ask, batch_rows=3, delay=3600)
    assert [each.tolist() for each in found] == [[[2]], [[4]], [[6]]]
    assert slow.sizes == [3]


def test_it_does_not_wait_for_ever() -> None:
    slow = Slow()
    slow.go.set()
    assert run(slow, lambda batches: batches.said(rows(5)), delay=0.01).tolist() == [[10]]


@pytest.mark.parametrize("delay", [0.0, 0.01])
def test_nobody_waits_for_an_empty_queue(delay: float) -> None:
    slow = Slow()
    slow.go.set()

    async def ask(batches: Batches) -> list[Any]:
        return [(await batches.said(rows(value))).item() for value in (1.0, 2.0)]

    assert run(slow, ask, delay=delay) == [2.0, 4.0]
    assert slow.sizes == [1, 1]
