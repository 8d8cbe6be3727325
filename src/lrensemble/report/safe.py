"""What a pool says, made harmless: names and classes are anybody's text."""

from __future__ import annotations

import html
import json


def text(value: object) -> str:
    """For the body of a page or an attribute, and for labels in figures, which read entities and a little markup."""
    return html.escape(str(value))


def script_json(value: object) -> str:
    """For a script element: JSON in which no character can end it."""
    encoded = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return encoded.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
