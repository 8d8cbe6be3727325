"""Markdown that is made of text from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the text of a cell may hold Markdown, bars in it are no borders."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(map(_escaped, line))} |" for line in lines) + "\n"


def _escaped(cell: str) -> str:
    """Bars are escaped but in code, where Markdown takes them as they are."""
    return re.sub(r"(`[^`]*`)|\|", lambda found: found[1] or r"\|", cell)


def code(text: str) -> str:
    """Text as code; nothing for nothing."""
    return f"`{text}`" if text else ""


def flat(text: str) -> str:
    """Text in one line, as a cell of a table is."""
    return " ".join(text.split())
