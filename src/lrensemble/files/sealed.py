"""JSON that proves itself: the version of its format first, a checksum of all the rest last.

A checksum finds damage (a flipped bit, a cut, an edit by hand), not forgery.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from lrensemble.files.as_json import to_json

FORMAT, OLDER = 2, (1,)
"""Version of sealed files that is written, and those that are read as well; a reader refuses any other."""

BY_A_NEWER = "a newer version of lrensemble wrote it; open it with that one (pip install --upgrade lrensemble)"
"""What to do about a file that this version does not know, and that is not damaged."""


def seal(record: Mapping[str, object]) -> bytes:
    """A record as sealed JSON; one that has a format of its own keeps it."""
    content = {"format": FORMAT, **record}
    return to_json(content | {"checksum": checksum(content)}).encode()


def checksum(content: Mapping[str, object]) -> str:
    """The SHA-256 of a JSON object, whatever the order of its keys and its blanks."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=True)
    return hashlib.sha256(canonical.encode(errors="surrogatepass")).hexdigest()


def if_newer(given: object, newest: int) -> str:
    """What to do about a format that is newer than all that this version reads; nothing about any other."""
    if isinstance(given, int) and given > newest:
        return f"; {BY_A_NEWER}"
    return ""


def proves_itself(content: Mapping[str, object]) -> bool:
    """Whether the checksum in a sealed file's content is that of the rest."""
    rest = {key: value for key, value in content.items() if key != "checksum"}
    return content.get("checksum") == checksum(rest)
