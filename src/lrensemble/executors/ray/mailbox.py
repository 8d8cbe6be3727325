"""Mailbox on the machine of the program: what workers tell and ask of items, until the program takes it.

It is an actor, and pinned: one that Ray may place anywhere dies with a machine that has nothing to do with it. Each
item is fenced by the number of its attempt, since a worker can outlive what Ray knows of it: whatever an older attempt
tells is refused, and the worker hears so.

A call costs two processes a millisecond, whatever it brings: so letters are taken together, and who takes them waits in
the call until there are some.

Messages are bytes here: the actor imports nothing that they are made of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

SECONDS_TOGETHER = 1.0
"""Seconds that the first letter waits for others to be taken with it."""

Letter = tuple[int, int, bytes]
"""Position of an item, number of the attempt, and what is told of it, pickled."""


class Mailbox:
    """Class of the actor; its methods run side by side in one thread."""

    def __init__(self) -> None:
        self._attempts: dict[int, int] = {}
        self._letters: list[Letter] = []
        self._first = 0.0
        """Time of the loop at which the first of the letters came."""
        self._asked = False
        """Whether one of the letters is a question, which nobody shall wait for longer than it takes."""
        self._ready = asyncio.Event()
        """Tells the last call of `take` to return."""
        self._answers: dict[tuple[int, int], asyncio.Future[bytes]] = {}

    async def open(self, attempts: Mapping[int, int]) -> None:
        """Hear of each item what this attempt tells, and no older one."""
        self._attempts.update(attempts)

    async def tell(self, item: int, attempt: int, told: bytes) -> bool:
        """Whether it is taken; False where another attempt is under way, or nobody wants to hear more."""
        if self._attempts.get(item) != attempt:
            return False
        if not self._letters:
            loop = asyncio.get_running_loop()
            self._first = loop.time()
            loop.call_later(SECONDS_TOGETHER, self._ready.set)
        self._letters.append((item, attempt, told))
        return True

    async def ask(self, item: int, attempt: int, asked: bytes) -> bytes | None:
        """Answer to a question, once there is one; None where it is not taken."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if not await self.tell(item, attempt, asked):
            return None
        self._answers[item, attempt], self._asked = answer, True
        self._ready.set()
        given: bytes = await answer
        return given

    async def answer(self, item: int, answer: bytes) -> None:
        """Give an item the answer that it waits for."""
        waiting = self._answers.pop((item, self._attempts[item]), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def take(self, seconds: float) -> list[Letter]:
        """What has come, in its order, once a letter has waited for others or is a question; nothing after some time.

        A later call ends an earlier one, which brings nothing then: what an earlier one brings came before.
        """
        self._ready.set()
        ready = self._ready = asyncio.Event()
        if self._letters:
            waited = asyncio.get_running_loop().time() - self._first
            seconds = 0.0 if self._asked else min(seconds, SECONDS_TOGETHER - waited)
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(ready.wait(), seconds)
        if ready is not self._ready:
            return []
        taken, self._letters, self._asked = self._letters, [], False
        return taken
