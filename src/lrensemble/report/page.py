"""Put the sections together as one self-contained page, written whole."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path

from lrensemble.evaluate import Result
from lrensemble.files import write_whole
from lrensemble.pool import Pool
from lrensemble.report.ambiguity import ambiguity
from lrensemble.report.curves import curves
from lrensemble.report.diversity import diversity
from lrensemble.report.escape import escape_html, script_json
from lrensemble.report.language import language_sections
from lrensemble.report.members import members
from lrensemble.report.price import price
from lrensemble.report.reliability import reliability
from lrensemble.report.report_data import ReportData
from lrensemble.report.residuals import residuals
from lrensemble.report.rows import rows
from lrensemble.report.section import Figure, Section, plotly_script
from lrensemble.report.spread import spread
from lrensemble.report.value_rows import value_rows
from lrensemble.report.verdict import teams, verdict
from lrensemble.targets import Need

SECTIONS: tuple[tuple[Callable[[ReportData], Section], Need | None], ...] = (
    (verdict, None),
    (teams, None),
    (curves, None),
    (members, None),
    (spread, None),
    (diversity, "labels"),
    (ambiguity, "values"),
    (reliability, "labels"),
    (residuals, "values"),
    (price, None),
    (rows, "labels"),
    (value_rows, "values"),
)
"""Sections in the order of the page, and what all members must say for a section to have something to show."""


VERDICTS = 2
"""Sections before those on language models."""


def sections_of(pool: Pool, result: Result, data: Path | None = None, page: Path | None = None) -> list[Section]:
    """Sections of the page of an evaluated pool.

    Args:
        pool: pool with its teams.
        result: result of their evaluation.
        data: folder of the data set's files, for pictures of its rows.
        page: file of the page, which samples of generated text lie beside.
    """
    report = ReportData(pool, result, data, page)
    found = [section(report) for section, need in SECTIONS if need is None or report.all_serve(need)]
    return [*found[:VERDICTS], *language_sections(report), *found[VERDICTS:]]


def write_report(pool: Pool, result: Result, path: Path | str, data: Path | str | None = None) -> list[Section]:
    """Write the page of an evaluated pool, and return its sections.

    Args:
        pool: pool with its teams.
        result: result of their evaluation.
        path: path of the page.
        data: folder of the data set's files, for pictures of its rows.

    Raises:
        MissingExtraError: plotly is not installed.
        StorageError: the page cannot be written; nothing half-written is left.
    """
    script = plotly_script()
    sections = sections_of(pool, result, None if data is None else Path(data), Path(path))
    write_whole(Path(path), page(result.task, sections, script).encode())
    return sections


def page(title: str, sections: list[Section], script: str) -> str:
    """The page as HTML."""
    template = (resources.files("lrensemble") / "report" / "page.html").read_text("utf-8")
    body = "\n".join(_section(place, section) for place, section in enumerate(sections))
    for mark, content in (("TITLE", escape_html(title)), ("BODY", body), ("PLOTLY", script)):
        template = template.replace(f"<!--{mark}-->", content, 1)
    return template


def _section(place: int, section: Section) -> str:
    heading = "h1" if place == 0 else "h2"
    parts = [f"<section><{heading}>{escape_html(section.title)}</{heading}>"]
    parts += [f"<p>{escape_html(sentence)}</p>" for sentence in section.prose]
    parts += [table.html() for table in section.tables]
    parts += [_figure(figure) for figure in section.figures]
    parts += [card.html() for card in section.cards]
    return "\n".join([*parts, "</section>"])


def _figure(figure: Figure) -> str:
    content = script_json({"data": list(figure.traces), "layout": dict(figure.layout)})
    filter_box = (
        '<input type="search" class="filter" placeholder="show members whose name holds …" aria-label="Filter members">'
        if figure.name == "curves"
        else ""
    )
    height = int(figure.layout.get("height", 430))
    return (
        f'<figure>{filter_box}<div class="plot" id="{figure.name}" style="height:{height}px"></div>'
        f'<script type="application/json">{content}</script>'
        f"<figcaption>{escape_html(figure.caption)}</figcaption></figure>"
    )
