"""What the page shows: parts of HTML with the version that brought them, made into messages once for all viewers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A part of the page, as it was when it changed last."""

    place: str
    """Id of its element."""
    html: str
    version: int
    """Version of the page that brought it."""
    message: bytes
    """What a viewer is told of it."""


@dataclass(frozen=True)
class State:
    """All parts of the page, in their order."""

    version: int = 0
    """0 before there is anything to show."""
    title: str = ""
    parts: tuple[Part, ...] = ()
    order: bytes = b""
    """The last message of a change: the title, and which parts the page has now."""

    def messages_since(self, version: int) -> Iterator[bytes]:
        """What somebody is told who has seen a version; nothing where it is this one."""
        if version == self.version:
            return
        for part in self.parts:
            if part.version > version:
                yield part.message
        yield self.order


def changed(before: State, title: str, parts: Sequence[tuple[str, str]]) -> State:
    """The state after a change: parts that are as they were keep their version; the state itself where all are.

    Args:
        before: the state so far.
        title: title of the page.
        parts: id and HTML of each part, in the order of the page.
    """
    known, version = {part.place: part for part in before.parts}, before.version + 1
    now = tuple(
        known[place]
        if place in known and known[place].html == html
        else Part(place, html, version, _message("part", {"place": place, "html": html}))
        for place, html in parts
    )
    if version > 1 and now == before.parts and title == before.title:
        return before
    return State(version, title, now, _message("page", {"title": title, "order": [place for place, _ in parts]}))


def _message(event: str, content: dict[str, object]) -> bytes:
    """A server-sent event; JSON holds no line break."""
    return f"event: {event}\ndata: {json.dumps(content)}\n\n".encode()
