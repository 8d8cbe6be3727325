"""Dates and commands of the training of a pool, from the file that tells what happened."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lrensemble.files import storage_errors
from lrensemble.pool import Pool
from lrensemble.text import TextError, from_json

FILE = "progress.jsonl"

LARGEST = sys.float_info.max
"""Whole numbers of JSON may be larger than any float."""


@dataclass(frozen=True)
class Course:
    """When a pool was trained, and by which command, as far as its file tells."""

    first: str | None = None
    """Time of the first event in UTC, to the second."""
    last: str | None = None
    """Time of the last event."""
    command: str | None = None
    """Latest command line that planned runs."""
    declared: Mapping[str, Sequence[float | str]] = field(default_factory=dict)
    """Values that sweeps have declared, by the name of a parameter: ends of numbers, or texts."""


def course_of(pool: Pool) -> Course:
    """What `progress.jsonl` tells; nothing where there is none, and lines that are no events are passed over.

    Raises:
        StorageError: it is there and cannot be read.
    """
    path = pool.folder / FILE
    if path.is_symlink() or not path.is_file():
        return Course()
    first, command, tail = None, None, b""
    declared = defaultdict[str, list[float | str]](list)
    with storage_errors("read", path), path.open("rb") as file:
        for number, line in enumerate(file):
            tail = line
            if number == 0 or b'"planned"' in line:
                event = _event(line)
                first, command = first or _time(event), _text(event, "command") or command
                for name, values in _declared(event):
                    declared[name] += values
    return Course(first, _time(_event(tail)), command, declared)


def _event(line: bytes) -> dict[str, Any]:
    try:
        found = from_json(line)
    except TextError:
        return {}
    return found if isinstance(found, dict) else {}


def _declared(event: dict[str, Any]) -> Iterator[tuple[str, list[float | str]]]:
    """Numbers and texts that a line declares, by name; what is none is passed over."""
    given = event.get("declared")
    for name, values in given.items() if isinstance(given, dict) else ():
        if isinstance(values, list):
            numbers = [float(value) for value in values if type(value) in (int, float) and abs(value) < LARGEST]
            yield name, [*numbers, *(value for value in values if isinstance(value, str))]


def _text(event: dict[str, Any], key: str) -> str | None:
    value = event.get(key)
    return value if isinstance(value, str) else None


def _time(event: dict[str, Any]) -> str | None:
    time = _text(event, "time")
    return None if time is None else time[:19].replace("T", " ")
