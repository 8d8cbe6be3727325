"""Dates and commands of the training of a pool, from the file that tells what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lrensemble.files import storage_errors
from lrensemble.pool import Pool
from lrensemble.text import TextError, from_json

FILE = "progress.jsonl"


@dataclass(frozen=True)
class Course:
    """When a pool was trained, and by which command, as far as its file tells."""

    first: str | None = None
    """Time of the first event in UTC, to the second."""
    last: str | None = None
    """Time of the last event."""
    command: str | None = None
    """Latest command line that planned runs."""


def course_of(pool: Pool) -> Course:
    """What `progress.jsonl` tells; nothing where there is none, and lines that are no events are passed over.

    Raises:
        StorageError: it is there and cannot be read.
    """
    path = pool.folder / FILE
    if path.is_symlink() or not path.is_file():
        return Course()
    first, command, tail = None, None, b""
    with storage_errors("read", path), path.open("rb") as file:
        for number, line in enumerate(file):
            tail = line
            if number == 0 or b'"planned"' in line:
                event = _event(line)
                first, command = first or _time(event), _text(event, "command") or command
    return Course(first, _time(_event(tail)), command)


def _event(line: bytes) -> dict[str, Any]:
    try:
        found = from_json(line)
    except TextError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(event: dict[str, Any], key: str) -> str | None:
    value = event.get(key)
    return value if isinstance(value, str) else None


def _time(event: dict[str, Any]) -> str | None:
    time = _text(event, "time")
    return None if time is None else time[:19].replace("T", " ")
