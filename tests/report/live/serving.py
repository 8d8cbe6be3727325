"""The pages of pools, served by this process, and what a browser is told by them."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lrensemble.cli.listening import address_of, listen
from lrensemble.report.live import serve


@contextmanager
def served(*folders: Path) -> Iterator[str]:
    """Address of the first page, without the last slash."""
    ended = threading.Event()
    listening = listen("127.0.0.1", (0,))
    thread = threading.Thread(target=serve, args=(listening, folders, "127.0.0.1", ended.is_set))
    thread.start()
    try:
        yield address_of(listening)
    finally:
        ended.set()
        thread.join(180)
        assert not thread.is_alive(), "streams that viewers still read end with the server"


class Viewer:
    """A viewer without a browser: the parts of the page as it was told last."""

    def __init__(self, address: str, before: "Viewer | None" = None, page: int = 0) -> None:
        """Look at a page, or look again as one who has seen what another has."""
        host, _, port = address.removeprefix("http://").partition(":")
        self.parts: dict[str, str] = {} if before is None else dict(before.parts)
        self.told: list[str] = []
        """Places of the parts that were told."""
        self.seen: str = "" if before is None else before.seen
        self.page: dict[str, Any] = {}
        self._connection = socket.create_connection((host, int(port)), timeout=180)
        again = f"Last-Event-ID: {self.seen}\r\n" if self.seen else ""
        request = f"GET /events/{page} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: text/event-stream\r\n{again}\r\n"
        self._connection.sendall(request.encode())
        self._lines = self._connection.makefile("rb")

    def read(self) -> None:
        """Read until a version of the page is whole."""
        event, seen = "", ""
        while line := self._lines.readline():
            key, _, value = line.decode().strip().partition(": ")
            if key == "event":
                event = value
            elif key == "id":
                seen = value
            elif key == "data" and event == "part":
                part = json.loads(value)
                self.parts[part["place"]] = part["html"]
                self.told.append(part["place"])
            elif key == "data" and event == "page":
                self.page = json.loads(value)
                self.parts = {place: self.parts[place] for place in self.page["order"]}
            elif key == "data" and event == "seen":
                self.seen = seen
                return
        raise EOFError

    def until(self, text: str) -> str:
        """All of the page, once it holds a text."""
        while text not in (whole := "\n".join(self.parts.values())):
            self.read()
        return whole

    def rest(self) -> bytes:
        """What is still sent until the server ends the stream."""
        return self._lines.read()

    def close(self) -> None:
        """Look no more."""
        self._lines.close()
        self._connection.close()
