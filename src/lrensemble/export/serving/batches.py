"""Rows of several requests, predicted together by one thread."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[Any]
Said = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Waiting:
    rows: Rows
    said: asyncio.Future[Said]
    latest: float
    """Time of the loop at which its batch begins at the latest, where the thread is free."""


class Batches:
    """A queue in front of one thread: while it predicts, requests gather, and the next batch takes them together.

    A batch has `batch_rows` rows at most, or those of one larger request. Requests come in the order of their arrival.
    """

    def __init__(self, predict: Callable[[Rows], Said], *, batch_rows: int, delay: float) -> None:
        """A queue that nobody serves yet: see `run`.

        Args:
            predict: gives a row for each row of raw inputs [sample, *shape].
            batch_rows: rows of a batch.
            delay: seconds that a request waits for others at most while the thread is free.
        """
        self._predict, self._batch_rows, self._delay = predict, batch_rows, delay
        self._queue = deque[_Waiting]()
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        """Requests that wait."""
        return len(self._queue)

    async def said(self, rows: Rows) -> Said:
        """What is predicted for the rows of one request; a caller that is cancelled leaves the queue.

        Raises:
            Exception: what `predict` raises of these rows.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(rows, loop.create_future(), loop.time() + self._delay)
        self._queue.append(waiting)
        self._arrived.set()
        return await waiting.said

    async def run(self) -> None:
        """Serve the queue until this is cancelled."""
        with ThreadPoolExecutor(1, thread_name_prefix="predict") as thread:
            while True:
                await self._answer(await self._next(), thread)

    async def _next(self) -> list[_Waiting]:
        """The next batch, when its time has come."""
        loop = asyncio.get_running_loop()
        while not self._queue:
            self._arrived.clear()
            await self._arrived.wait()
        while sum(len(each.rows) for each in self._queue) < self._batch_rows:
            left = self._queue[0].latest - loop.time()
            if left <= 0:
                break
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), left)
        taken, rows = list[_Waiting](), 0
        while self._queue and (not taken or rows + len(self._queue[0].rows) <= self._batch_rows):
            each = self._queue.popleft()
            if not each.said.done():  # who asked has not gone
                taken.append(each)
                rows += len(each.rows)
        return taken

    async def _answer(self, batch: Sequence[_Waiting], thread: ThreadPoolExecutor) -> None:
        """Predict a batch; one that fails is predicted request by request, so that each fails for its own rows."""
        if not batch:
            return
        loop = asyncio.get_running_loop()
        try:
            rows = batch[0].rows if len(batch) == 1 else np.concatenate([each.rows for each in batch])
            said = await loop.run_in_executor(thread, self._predict, rows)
        except Exception as error:
            if len(batch) > 1:
                for each in batch:
                    await self._answer([each], thread)
            elif not batch[0].said.done():
                batch[0].said.set_exception(error)
            return
        parts = np.split(said, np.cumsum([len(each.rows) for each in batch])[:-1])
        for each, part in zip(batch, parts, strict=True):
            if not each.said.done():
                each.said.set_result(part)
