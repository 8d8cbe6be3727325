"""Lines of `progress.jsonl`, the events of a pool's sweeps, read back without what it takes to train."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

from lrensemble.pool import Pool

FILE = "progress.jsonl"

LAST_BYTES = 16 * 2**20
"""Bytes at the end of the file that tell how things stand."""


def last_lines(pool: Pool, size: int = LAST_BYTES) -> list[dict[str, Any]]:
    """What was told last, line by line; what is no line of JSON, as half of one, is passed over.

    Args:
        pool: the pool.
        size: bytes from the end of the file on that are read.
    """
    try:
        with (pool.folder / FILE).open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - size))
            content = file.read(size)
    except OSError:
        return []
    found = []
    for line in content.split(b"\n"):
        with suppress(ValueError, RecursionError):
            event = json.loads(line)
            if isinstance(event, dict):
                found.append(event)
    return found
