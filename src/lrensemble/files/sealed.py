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


def seal(record: Mapping[str, object]) -> bytes:
    """A record as sealed JSON; one that has a format of its own keeps it."""
    content = {"format": FORMAT, **record}
    return to_json(content | {"checksum": checksum(content)}).encode()


def checksum(content: Mapping[str, object]) -> str:
    """The SHA-256 of a JSON object, whatever the order of its keys and its blanks."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=True)
    return hashlib.sha256(canonical.encode(errors="surrogatepass")).hexdigest()


def proves_itself(content: Mapping[str, object]) -> bool:
    """Whether the checksum in a sealed file's content is that of the rest."""
    rest = {key: value for key, value in content.items() if key != "checksum"}
    return content.get("checksum") == checksum(rest)
