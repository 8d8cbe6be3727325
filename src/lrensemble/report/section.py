"""Parts of a section of the page: prose, tables and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lrensemble.errors import MissingExtraError
from lrensemble.report.escape import escape_html
from lrensemble.report.pictures import Picture


@dataclass(frozen=True)
class Table:
    """Rows of text below headings; numbers stand right."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str | Picture]]
    marked: frozenset[int] = frozenset()
    """Positions of highlighted rows."""
    caption: str = ""

    def html(self) -> str:
        """Table as HTML, all text escaped."""
        sides = [" class=number" if self.rows and _is_number(cell) else "" for cell in (self.rows or [()])[-1]]
        head = "".join(
            f"<th{side}>{escape_html(heading)}</th>"
            for heading, side in zip(self.headings, sides or self.headings, strict=True)
        )
        body = "".join(
            f"<tr{' class=marked' if place in self.marked else ''}>{''.join(map(_cell, row))}</tr>"
            for place, row in enumerate(self.rows)
        )
        caption = f"<caption>{escape_html(self.caption)}</caption>" if self.caption else ""
        return f'<div class="wide"><table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: str | Picture) -> str:
    if isinstance(value, Picture):
        return f'<td><img src="{value.source()}" alt="{escape_html(value.alt)}"></td>'
    return f"<td{' class=number' if _is_number(value) else ''}>{escape_html(value)}</td>"


def _is_number(value: str | Picture) -> bool:
    return isinstance(value, str) and value != "" and value[0] in "+-–0123456789"


@dataclass(frozen=True)
class Figure:
    """A figure of plotly: traces and layout, ready for JSON. Labels are escaped where they are made."""

    name: str
    """Id of its element, and name of its file."""
    traces: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]
    caption: str = ""


@dataclass(frozen=True)
class Card:
    """One example in a section: a heading, texts with a name each, and a table."""

    heading: str
    texts: Sequence[tuple[str, str]]
    """Name and text; line breaks are kept."""
    table: Table | None = None

    def html(self) -> str:
        """Card as HTML, all text escaped."""
        texts = "".join(
            f"<dt>{escape_html(name)}</dt><dd>{escape_html(text)}</dd>" for name, text in self.texts if text
        )
        table = "" if self.table is None else self.table.html()
        return f"<article class=card><h3>{escape_html(self.heading)}</h3><dl>{texts}</dl>{table}</article>"


@dataclass(frozen=True)
class Section:
    """A heading, and below it prose, tables, figures and cards in this order."""

    title: str
    prose: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = field(default=())
    cards: Sequence[Card] = ()


def plotly_script() -> str:
    """Source text of plotly.js.

    Raises:
        MissingExtraError: plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise MissingExtraError("the report page needs plotly; pip install 'lrensemble[report]'") from None
    script: str = get_plotlyjs()
    return script
