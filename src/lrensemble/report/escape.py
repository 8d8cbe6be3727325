"""Escaping of text from a pool, such as names of members and classes, which may hold markup."""

from __future__ import annotations

import html
import json


def escape_html(value: object) -> str:
    """Text escaped for the body of a page, an attribute, or a label of a figure, which reads entities and markup."""
    return html.escape(str(value))


def script_json(value: object) -> str:
    """JSON escaped for a script element, which no character of it can end."""
    encoded = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return encoded.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
