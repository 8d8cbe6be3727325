"""Names explain themselves: the nearest known one stands in the message."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'cosine'? (known: …)"` for a message, or `" (known: …)"` where no name is near."""
    names = list(known)
    same = [each for each in names if each.casefold() == name.casefold()]
    close = same or difflib.get_close_matches(name, names, n=1)
    return (f"; did you mean {close[0]!r}?" if close else "") + f" (known: {', '.join(names)})"
