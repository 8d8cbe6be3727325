"""Parts of a section of the page: facts, prose, tables and figures, and what is folded away below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lrensemble.errors import MissingExtraError
from lrensemble.report.pictures import Picture


@dataclass(frozen=True)
class Table:
    """Rows of text below headings; numbers stand right."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str | Picture]]
    marked: frozenset[int] = frozenset()
    """Positions of highlighted rows."""
    caption: str = ""
    minor: frozenset[int] = frozenset()
    """Positions of the columns that a narrow screen shows only when asked."""
    plain: bool = False
    """Whether it is read as it stands, a small one inside a card: neither sorted nor written as CSV."""


@dataclass(frozen=True)
class Figure:
    """A figure of plotly: traces and layout, ready for JSON. Labels are escaped where they are made."""

    name: str
    """Id of its element, and name of its file."""
    traces: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]
    caption: str = ""
    filter: str = ""
    """What may be typed into a box above it, to see some traces by their names; no box where empty."""
    small: bool = False
    """Whether a wide page shows it beside its neighbour."""


@dataclass(frozen=True)
class Fold:
    """Text that is read as it stands, folded away below a line."""

    summary: str
    text: str


@dataclass(frozen=True)
class Card:
    """One example in a section: texts with a name each, and perhaps a table of them."""

    heading: str
    texts: Sequence[tuple[str, str]]
    """Names and texts, whose line breaks are kept."""
    table: Table | None = None
    notes: Sequence[tuple[str, str]] = ()
    """Names and texts below the table."""


@dataclass(frozen=True)
class Section:
    """A heading, and below it prose, facts, tables, figures, cards and folds in this order."""

    title: str
    prose: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = field(default=())
    facts: Sequence[tuple[str, str]] = ()
    """Names of facts and what they are."""
    folds: Sequence[Fold] = ()
    cards: Sequence[Card] = ()
    lead: str = ""
    """Beginning of the first sentence, which stands out."""


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
