"""The mailbox between a program and its workers, without a cluster: what is taken, refused, asked and answered."""

from __future__ import annotations

import asyncio

import pytest
from tests.apart import run_apart

from lrensemble.executors.ray import mailbox
from lrensemble.executors.ray.mailbox import Letter, Mailbox

SHORT = 0.01


def test_what_the_attempt_under_way_tells_is_taken_in_its_order() -> None:
    async def story() -> tuple[list[bool], list[Letter], list[Letter]]:
        box = Mailbox()
        await box.open({0: 1, 1: 1})
        taken = [await box.tell(0, 1, b"a"), await box.tell(1, 1, b"b"), await box.tell(0, 1, b"c")]
        return taken, await box.take(SHORT), await box.take(SHORT)

    assert run_apart(story()) == ([True] * 3, [(0, 1, b"a"), (1, 1, b"b"), (0, 1, b"c")], [])


def test_an_older_attempt_hears_that_it_is_not_wanted() -> None:
    async def story() -> tuple[list[bool], list[Letter], bytes | None]:
        box = Mailbox()
        await box.open({0: 1})
        taken = [await box.tell(0, 1, b"before")]
        await box.open({0: 2})
        taken += [await box.tell(0, 1, b"late"), await box.tell(0, 2, b"again"), await box.tell(5, 1, b"never opened")]
        return taken, await box.take(SHORT), await box.ask(0, 1, b"late?")

    told = run_apart(asyncio.wait_for(story(), 60))
    assert told == ([True, False, True, False], [(0, 1, b"before"), (0, 2, b"again")], None)


def test_who_asks_waits_for_the_answer() -> None:
    async def story() -> tuple[bytes | None, list[Letter]]:
        box = Mailbox()
        await box.open({3: 1})
        asking = asyncio.create_task(box.ask(3, 1, b"go on?"))
        asked = await box.take(60.0)
        assert not asking.done()
        await box.answer(3, b"yes")
        return await asking, asked

    assert run_apart(story()) == (b"yes", [(3, 1, b"go on?")])


def test_an_answer_to_an_attempt_that_is_over_goes_nowhere() -> None:
    async def story() -> list[bytes | None]:
        box = Mailbox()
        await box.open({0: 1})
        first = asyncio.create_task(box.ask(0, 1, b"old"))
        await box.take(60.0)
        await box.open({0: 2})
        second = asyncio.create_task(box.ask(0, 2, b"new"))
        await box.take(60.0)
        await box.answer(0, b"to the second")
        assert not first.done()
        first.cancel()
        return [await second]

    assert run_apart(story()) == [b"to the second"]


def test_one_who_waits_for_news_gets_them_when_they_come() -> None:
    async def story() -> list[Letter]:
        box = Mailbox()
        await box.open({0: 1})
        waiting = asyncio.create_task(box.take(60.0))
        await asyncio.sleep(0)
        await box.tell(0, 1, b"news")
        return await waiting

    assert run_apart(story()) == [(0, 1, b"news")]


def test_letters_wait_for_others_and_a_question_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "SECONDS_TOGETHER", 3600.0)

    async def story() -> tuple[list[Letter], list[Letter]]:
        box = Mailbox()
        await box.open({0: 1, 1: 1})
        await box.tell(0, 1, b"first")
        taking = asyncio.create_task(box.take(3600.0))
        for _ in range(3):  # it would be there if it did not wait
            await asyncio.sleep(0)
        assert not taking.done()
        await box.tell(1, 1, b"second")
        asking = asyncio.create_task(box.ask(1, 1, b"go on?"))
        first = await asyncio.wait_for(taking, 60)
        asking.cancel()
        await box.tell(0, 1, b"third")
        return first, await box.take(SHORT)

    assert run_apart(story()) == ([(0, 1, b"first"), (1, 1, b"second"), (1, 1, b"go on?")], [(0, 1, b"third")])


def test_a_later_call_ends_an_earlier_one_and_has_the_letters() -> None:
    async def story() -> tuple[list[Letter], list[Letter]]:
        box = Mailbox()
        await box.open({0: 1})
        earlier = asyncio.create_task(box.take(3600.0))
        await asyncio.sleep(0)
        await box.tell(0, 1, b"news")
        later = await box.take(0.0)
        await box.tell(0, 1, b"more")
        return await asyncio.wait_for(earlier, 60), later

    assert run_apart(story()) == ([], [(0, 1, b"news")])
