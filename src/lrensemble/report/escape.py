"""Escaping of text from a pool, such as names of members and classes, which may hold markup."""

from __future__ import annotations

import html
import json

from lrensemble.text import visible


def escape_html(value: object) -> str:
    """Text escaped for the body of a page, an attribute, or a label of a figure, which reads entities and markup.

    Characters that act, such as one that turns the direction of all that follows, are written out. Quotes are numbers:
    figures know few entities by their names.
    """
    return html.escape(visible(str(value), keep="\n\r\t")).replace("&quot;", "&#34;")


def script_json(value: object) -> str:
    """JSON escaped for a script element, which no character of it can end."""
    encoded = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return encoded.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
