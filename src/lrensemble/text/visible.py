"""Anybody's text made harmless for a terminal: characters that act, and do not show, are written out.

Names of members, classes and files come from strangers. An escape sequence in one clears the screen, sets the title of
the window or writes into the clipboard, and a bidirectional override shows a text in another order than it has.
"""

from __future__ import annotations

import re

ACTING = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters, C0 and C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the direction of what follows
    "\u2028\u2029"  # ends of lines and paragraphs
    "\u00ad\u200b\u2060-\u2064\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # what cannot be seen
    "\ud800-\udfff"  # halves of a pair, which no encoding knows
    "]"
)


def visible(text: str, keep: str = "") -> str:
    r"""The text with every character that acts written out: `\x1b`, `\n`, `\u202e`.

    Args:
        text: anybody's.
        keep: characters that stay as they are, such as the ends of lines of a text of several.
    """
    return ACTING.sub(lambda match: match[0] if match[0] in keep else _written_out(match[0]), text)


def _written_out(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def escaped_json(text: str, encoding: str | None) -> str:
    """JSON that means the same, in which no character acts and every one can be encoded.

    Such characters stand in strings alone: between them, JSON has none but the ends of lines.
    """
    text = ACTING.sub(lambda match: match[0] if match[0] in "\n\t" else _json_escape(match[0]), text)
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "".join(each if each.isascii() else _json_escape(each) for each in text)
    return text


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


def shortened(value: object, longest: int = 200) -> str:
    """Text of a given value for a message: its `repr`, cut in the middle where it is long."""
    try:
        text = re.sub(r"\s*\n\s*", " ", repr(value))  # arrays have lines
    except (RecursionError, ValueError):  # nested without end, or an integer of thousands of digits
        return f"something that cannot be shown ({type(value).__name__})"
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} … {text[-half:]}"
