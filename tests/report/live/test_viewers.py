"""Viewers: each is told the newest state when it is ready to hear it, and nothing is stored for it meanwhile."""

import asyncio
from collections.abc import AsyncIterator

from tests.apart import run_apart

from lrensemble.report.live.state import State, changed
from lrensemble.report.live.viewers import AGAIN, Viewers


async def next_version(messages: AsyncIterator[bytes]) -> tuple[list[bytes], str]:
    """Messages up to the one that says which version it was, and its id."""
    found = list[bytes]()
    async for message in messages:
        if message.startswith(b"id: "):
            return found, message.decode().split("\n")[0].removeprefix("id: ")
        found.append(message)
    raise AssertionError("the stream ended")


def state_of(before: State, *texts: str) -> State:
    return changed(before, "title", [(f"part-{place}", text) for place, text in enumerate(texts)])


def test_whoever_reads_slowly_misses_what_was_between() -> None:
    async def look() -> None:
        viewers, state = Viewers(), state_of(State(), "a", "b")
        viewers.publish(state)
        messages = viewers.messages()
        first, _ = await next_version(messages)
        assert first == [AGAIN, *(part.message for part in state.parts), state.order]
        for number in range(1000):  # nobody reads
            state = state_of(state, f"a{number}", "b")
            viewers.publish(state)
        news, _ = await next_version(messages)
        assert news == [state.parts[0].message, state.order]
        assert b"a999" in news[0]

    run_apart(look())


def test_who_comes_again_is_told_what_changed_and_all_by_another_server() -> None:
    async def look() -> None:
        viewers, state = Viewers(), state_of(State(), "a", "b")
        viewers.publish(state)
        _, seen = await next_version(viewers.messages())
        now = state_of(state, "a", "c")
        viewers.publish(now)
        news, seen_later = await next_version(viewers.messages(seen))
        assert news == [AGAIN, now.parts[1].message, now.order]
        assert seen_later != seen
        another = Viewers()
        another.publish(now)
        for odd in (seen, "", "nonsense", f"{seen}9", "-1", "x-²"):
            told, _ = await next_version(another.messages(odd))
            assert told == [AGAIN, *(part.message for part in now.parts), now.order], odd

    run_apart(look())


def test_viewers_are_counted_and_streams_end_with_the_server() -> None:
    async def look() -> None:
        viewers = Viewers()
        assert not viewers.somebody_looks.is_set()
        streams = [viewers.messages() for _ in range(3)]
        for each in streams:
            assert await anext(each) == AGAIN
        assert viewers.count == 3
        assert viewers.somebody_looks.is_set()
        waiting = [asyncio.ensure_future(anext(each, None)) for each in streams[1:]]
        await streams[0].aclose()  # type: ignore[attr-defined]
        await asyncio.sleep(0)
        assert viewers.count == 2
        viewers.close()
        assert await asyncio.gather(*waiting) == [None, None]
        assert viewers.count == 0
        assert not viewers.somebody_looks.is_set()

    run_apart(look())
