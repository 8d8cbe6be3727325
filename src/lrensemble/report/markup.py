"""Sections as HTML, all text escaped: headings with anchors, tables, figures with their text alternatives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from lrensemble.report.alternative import alternative
from lrensemble.report.escape import escape_html, script_json
from lrensemble.report.pictures import Picture
from lrensemble.report.section import Card, Figure, Section, Table

NUMBER = re.compile(r"(?:< )?[+\-–−]?\d[\d,]*(\.\d*)?(e[+-]?\d+)?", re.IGNORECASE)
"""Start of a cell that holds a number, or the bound that one is below."""

DAY = re.compile(r"\d{4}-\d\d-\d\d")
"""Start of a cell that holds a date."""

TOGETHER = re.compile(r"(?<=\bp) (?:(?:=|&lt;) )?(?=\d)|(?<=\d) (?=%)|(?<=&lt;) (?=\d)|(?<=\d) … (?=[+\-–−\d])")
"""Spaces within what is read as one: `p = 0.03`, `p &lt; 1e-300`, `95 %`, `+0.1 … +0.3`; of text that is escaped."""

CALL = re.compile(r"(?<=\w)\(")
"""Bracket of a name with arguments."""

LONGEST_LINE = 40
"""Characters of a cell that stand in one line."""

LONG = 26
"""Characters beyond which a fact has a line of its own."""

_WIDE = {True: ' class="long"', False: ""}
_SORTED = {True: ' data-sort-method="order"', False: ""}
"""How a column is sorted, by whether it holds numbers."""

MISSING = ("", "–", "not computed")
"""Cells of a column of numbers that hold none."""


def together(escaped: str) -> str:
    """Escaped text whose numbers stand in one line with their signs and units."""
    return TOGETHER.sub(lambda found: found.group().replace(" ", "&nbsp;"), escaped)


def anchor(title: str, taken: Sequence[str] = ()) -> str:
    """Id of a section by its title, unlike those that are taken."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
    wanted, place = f"section-{words}", 2
    while wanted in taken:
        wanted, place = f"section-{words}-{place}", place + 1
    return wanted


def anchors(sections: Sequence[Section]) -> list[str]:
    """Ids of the sections of a page."""
    found = list[str]()
    for section in sections:
        found.append(anchor(section.title, found))
    return found


def contents_html(sections: Sequence[Section], ids: Sequence[str]) -> str:
    """Table of contents: a link to every section."""
    lines = "".join(
        f'<li><a href="#{place}">{escape_html(section.title)}</a></li>'
        for section, place in zip(sections, ids, strict=True)
    )
    return f'<nav aria-label="Contents"><h2>Contents</h2><ol>{lines}</ol></nav>'


def section_html(section: Section, place: str, level: int) -> str:
    """A section with a heading of a level."""
    parts = [
        f'<section id="{place}" aria-labelledby="{place}-title">'
        f'<h{level} id="{place}-title">{escape_html(section.title)}</h{level}>'
    ]
    prose = [together(escape_html(sentence)) for sentence in section.prose]
    if section.lead and prose:
        lead = together(escape_html(section.lead))
        prose[0] = f"<strong>{lead}</strong>{prose[0].removeprefix(lead)}"
    parts += [f"<p>{sentence}</p>" for sentence in prose]
    if section.facts:
        pairs = "".join(
            f"<div{_WIDE[len(value) > LONG]}><dt>{escape_html(name)}</dt><dd>{escape_html(value)}</dd></div>"
            for name, value in sorted(section.facts, key=lambda fact: len(fact[1]) > LONG)  # no gap before a long one
        )
        parts.append(f"<dl>{pairs}</dl>")
    parts += [table_html(table, section.title) for table in section.tables]
    parts += [
        f'<div class="{"pair" if small else "column"}">{"".join(map(figure_html, figures))}</div>'
        for small, figures in groupby(section.figures, lambda figure: figure.small)
    ]
    parts += [_card_html(card, level + 1) for card in section.cards]
    parts += [
        f"<details><summary>{escape_html(fold.summary)}</summary>"
        f'<pre tabindex="0" role="region" aria-label="{escape_html(fold.summary)}">{escape_html(fold.text)}</pre>'
        "</details>"
        for fold in section.folds
    ]
    return "\n".join([*parts, "</section>"])


def _card_html(card: Card, level: int) -> str:
    table = "" if card.table is None else table_html(card.table, card.heading)
    return (
        f'<article class="card"><h{level}>{escape_html(card.heading)}</h{level}>'
        f"{_texts_html(card.texts)}{table}{_texts_html(card.notes)}</article>"
    )


def _texts_html(texts: Sequence[tuple[str, str]]) -> str:
    pairs = "".join(
        f'<p class="name">{escape_html(name)}</p><p class="said">{escape_html(text)}</p>'
        for name, text in texts
        if text
    )
    return f"<div>{pairs}</div>" if pairs else ""


def table_html(table: Table, title: str = "") -> str:
    """Table as HTML; cells of numbers say by what they are sorted. A column that says nothing anywhere is left out."""
    columns = [place for place in range(len(table.headings)) if place == 0 or _says(row[place] for row in table.rows)]
    sides = {column: _holds_numbers([row[column] for row in table.rows]) for column in columns}
    minor = {column: " minor" if column in table.minor else "" for column in columns}
    head = "".join(
        f'<th scope="col" class="{"number" if sides[column] else "text"}{minor[column]}"{_SORTED[sides[column]]}>'
        f"{escape_html(table.headings[column])}</th>"
        for column in columns
    )
    body = "".join(
        f"<tr{' class=marked' if place in table.marked else ''}>"
        + "".join(_cell(row[column], sides[column], minor[column]) for column in columns)
        + "</tr>"
        for place, row in enumerate(table.rows)
    )
    caption = f"<caption>{escape_html(table.caption)}</caption>" if table.caption else ""
    name = escape_html(table.caption or title)
    plain = ' class="plain"' if table.plain else ""
    return (
        f'<div class="wide"><table{plain} data-name="{name}">{caption}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _says(cells: Iterable[str | Picture]) -> bool:
    """Whether a column has a cell that says something, or no cells at all."""
    held = [isinstance(cell, Picture) or cell not in ("", "–") for cell in cells]
    return any(held) or not held


def _cell(value: str | Picture, number: bool, extra: str) -> str:
    if isinstance(value, Picture):
        return f'<td class="picture{extra}"><img src="{value.source()}" alt="{escape_html(value.alt)}"></td>'
    if not number:
        said = CALL.sub("(<wbr>", escape_html(value))  # where a narrow column breaks a member's name, if it must
        return f'<td class="{"long" if len(value) > LONGEST_LINE else "text"}{extra}">{said}</td>'
    order = number_of(value)
    place = "-1e300" if order is None else f"{order:.12g}"  # cells without a number come last
    return f'<td class="number{extra}" data-sort="{place}">{together(escape_html(value))}</td>'


def _holds_numbers(cells: Sequence[str | Picture]) -> bool:
    """Whether a column holds numbers and nothing else; days begin with a number, and their order is that of text."""
    held = [cell for cell in cells if isinstance(cell, Picture) or cell not in MISSING]
    return bool(held) and all(isinstance(cell, str) and NUMBER.match(cell) and not DAY.match(cell) for cell in held)


def number_of(cell: str) -> float | None:
    """Number that a cell begins with; None where it begins with none."""
    found = NUMBER.match(cell)
    if found is None:
        return None
    return float(found.group().removeprefix("< ").replace(",", "").replace("–", "-").replace("−", "-"))


def figure_html(figure: Figure) -> str:
    """Figure as HTML: what is drawn of its JSON, what is said of it, and room for its numbers."""
    content = script_json({"data": list(figure.traces), "layout": dict(figure.layout)})
    box = (
        f'<input type="search" class="filter" placeholder="{escape_html(figure.filter)}" '
        f'aria-label="{escape_html(figure.filter)}">'
        if figure.filter
        else ""
    )
    height = int(figure.layout.get("height", 430))
    said = escape_html(alternative(figure))
    return (
        f'<figure>{box}<div class="plot" id="{figure.name}" role="group" aria-label="{said}" '
        f'style="height:{height}px"></div><script type="application/json">{content}</script>'
        f"<figcaption>{escape_html(figure.caption)}</figcaption>"
        '<details class="numbers"><summary>The numbers of this figure</summary></details></figure>'
    )
