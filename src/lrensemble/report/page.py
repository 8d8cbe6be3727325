"""Put the sections together as one self-contained page, written whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from lrensemble.environment import versions
from lrensemble.evaluate import Result
from lrensemble.files import write_whole
from lrensemble.pool import Pool
from lrensemble.report.escape import escape_html
from lrensemble.report.language import LANGUAGE
from lrensemble.report.markup import anchors, contents_html, section_html
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Section, plotly_script
from lrensemble.report.sections.ambiguity import ambiguity
from lrensemble.report.sections.confusion import confusion
from lrensemble.report.sections.curves import curves
from lrensemble.report.sections.diversity import diversity
from lrensemble.report.sections.hyper_parameters import hyper_parameters
from lrensemble.report.sections.members import members
from lrensemble.report.sections.price import price
from lrensemble.report.sections.reliability import reliability
from lrensemble.report.sections.residuals import residuals
from lrensemble.report.sections.rows import rows
from lrensemble.report.sections.spread import spread
from lrensemble.report.sections.trained import trained
from lrensemble.report.sections.uncertainty import uncertainty
from lrensemble.report.sections.value_rows import value_rows
from lrensemble.report.sections.variants import variants
from lrensemble.report.sections.verdict import teams, verdict
from lrensemble.targets import Need

Maker = Callable[[ReportData], Section | None]
"""Function that makes a section, or None where it has nothing to say of this pool."""

SECTIONS: tuple[tuple[Maker, Need | None], ...] = (
    (verdict, None),
    (trained, None),
    (teams, None),
    *((section, None) for section in LANGUAGE),
    (curves, None),
    (members, None),
    (hyper_parameters, None),
    (spread, None),
    (diversity, "labels"),
    (ambiguity, "values"),
    (reliability, "labels"),
    (residuals, "values"),
    (uncertainty, None),
    (price, None),
    (variants, None),
    (confusion, "labels"),
    (rows, "labels"),
    (value_rows, "values"),
)
"""Sections in the order of the page, and what all members must say for a section to have something to show."""

HEAD = 2
"""Number of sections above the table of contents of a pool: the verdict, and what was trained."""


def sections_of(pool: Pool, result: Result | None, data: Path | None = None, page: Path | None = None) -> list[Section]:
    """Sections of the page of a pool that have something to say.

    Args:
        pool: pool with its teams, finished or not.
        result: result of their evaluation; None of a pool that is not evaluated yet, whose page shows `val` alone.
        data: folder of the data set's files, for pictures of its rows.
        page: file of the page, beside which samples of generated text lie.
    """
    report = ReportData(pool, result, data, page)
    made = [make(report) for make, need in SECTIONS if need is None or (report.members and report.all_serve(need))]
    return [section for section in made if section is not None]


def write_report(pool: Pool, result: Result | None, path: Path | str, data: Path | str | None = None) -> list[Section]:
    """Write the page of a pool, and return its sections.

    Args:
        pool: pool with its teams.
        result: result of their evaluation; None where there is none yet.
        path: path of the page.
        data: folder of the data set's files, for pictures of its rows.

    Raises:
        MissingExtraError: plotly is not installed.
        StorageError: the page cannot be written; nothing half-written is left.
    """
    script = plotly_script()
    sections = sections_of(pool.still(), result, None if data is None else Path(data), Path(path))
    write_whole(Path(path), page(pool.task.name if result is None else result.task, sections, script, HEAD).encode())
    return sections


def page(title: str, sections: Sequence[Section], script: str, head: int = 1) -> str:
    """The page as HTML.

    Args:
        title: title of the page.
        sections: sections, the first one under the main heading.
        script: source text of plotly.js.
        head: number of sections above the table of contents.
    """
    ids = anchors(sections)
    written = [
        section_html(section, place, 1 if number == 0 else 2)
        for number, (section, place) in enumerate(zip(sections, ids, strict=True))
    ]
    written.insert(min(head, len(written)), contents_html(sections, ids))
    return document(title, "\n".join(written), f"<script>{script}</script>", asset("page.js"))


def document(title: str, body: str, plotly: str, script: str, sources: str = "") -> str:
    """A document with the page's style, the library of its tables and its footer.

    Args:
        title: title, which is escaped.
        body: HTML of the content.
        plotly: element that loads plotly.js.
        script: source text of the page's own script.
        sources: further sources of its content security policy, from that of scripts on.
    """
    template = asset("page.html")
    for mark, content in (
        ("SOURCES", sources),
        ("TITLE", escape_html(title)),
        ("STYLE", asset("page.css")),
        ("TABLES", tables_script()),
        ("FOOTER", escape_html(_footer())),
        ("SCRIPT", script),
        ("BODY", body),
        ("PLOTLY", plotly),
    ):
        template = template.replace(f"<!--{mark}-->", content, 1)
    return template


@cache
def tables_script() -> str:
    """Source text of the library that sorts tables, below its licence."""
    code = asset("tablesort.min.js").partition("*/")[2]  # its own head names a page of another host
    return f"/*! tablesort 5.7.1\n{asset('tablesort.license.txt')}*/\n{code.strip()}"


def _footer() -> str:
    return (
        f"Written by lrensemble {versions()['lrensemble']}. Figures: plotly.js (MIT licence). Tables: tablesort (MIT "
        "licence). This page asks no other host for anything."
    )


@cache
def asset(name: str) -> str:
    """Text of a file of the page."""
    return (resources.files("lrensemble") / "report" / "assets" / name).read_text("utf-8")
