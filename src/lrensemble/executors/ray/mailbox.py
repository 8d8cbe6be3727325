"""Mailbox on the machine of the program: what workers tell and ask of items, until the program takes it.

It is an actor, and pinned: one that Ray may place anywhere dies with a machine that has nothing to do with it. Each
item is fenced by the number of its attempt, since a worker can outlive what Ray knows of it: whatever an older attempt
tells is refused, and the worker hears so.

Messages are bytes here: the actor imports nothing that they are made of.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

SECONDS_TOGETHER = 0.05
"""Seconds that the program waits for what comes just after the first letter: a call costs more than what it brings."""

Letter = tuple[int, bytes]
"""Position of an item, and what is told of it, pickled."""


class Mailbox:
    """Class of the actor; its methods run side by side in one thread."""

    def __init__(self) -> None:
        self._attempts: dict[int, int] = {}
        self._letters: list[Letter] = []
        self._news = asyncio.Event()
        self._answers: dict[tuple[int, int], asyncio.Future[bytes]] = {}

    async def open(self, item: int, attempt: int) -> None:
        """Hear of an item what this attempt tells, and no older one."""
        self._attempts[item] = attempt

    async def tell(self, item: int, attempt: int, told: bytes) -> bool:
        """Whether it is taken; False where another attempt is under way, or nobody wants to hear more."""
        if self._attempts.get(item) != attempt:
            return False
        self._letters.append((item, told))
        self._news.set()
        return True

    async def ask(self, item: int, attempt: int, asked: bytes) -> bytes | None:
        """Answer to a question, once there is one; None where it is not taken."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers[item, attempt] = answer
        if not await self.tell(item, attempt, asked):
            return None
        given: bytes = await answer
        return given

    async def answer(self, item: int, answer: bytes) -> None:
        """Give an item the answer that it waits for."""
        waiting = self._answers.pop((item, self._attempts[item]), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def take(self, seconds: float) -> list[Letter]:
        """What has come, in its order; where nothing has, what comes within some seconds."""
        if not self._letters:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), seconds)
        if seconds and not self._answers:  # whoever asked waits for the answer
            await asyncio.sleep(SECONDS_TOGETHER)
        taken, self._letters = self._letters, []
        self._news.clear()
        return taken
