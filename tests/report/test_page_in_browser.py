"""The page in a real browser: accessible, its tables sorted, filtered and downloaded, by keyboard too, and printed."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.report.pages import HOSTILE, Drawn, Window, faults

from lrensemble.report.page import page as page_of
from lrensemble.report.page import tables_script
from lrensemble.report.section import Section, Table


@pytest.fixture(scope="module")
def table_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Page of a single table."""
    rows = [[f"member {place}", f"{(place * 7) % 20:,}", f"{place / 1000:.1e}"] for place in range(20)]
    rows[3][0], rows[5][1] = HOSTILE, "–"
    rows[7][0], rows[8][0] = "=HYPERLINK(A1)", 'a "quoted", name'
    table = Table(["name", "rows", "p"], rows, caption="One table", minor=frozenset({2}))
    path = tmp_path_factory.mktemp("table") / "page.html"
    path.write_text(page_of("table", [Section("one", tables=[table])], ""), encoding="utf-8")  # it draws no figure
    return path


@pytest.fixture
def axe() -> Callable[[Any], Any]:
    """What finds faults of accessibility in a page."""
    module = pytest.importorskip("axe_playwright_python.sync_playwright")
    checker = module.Axe()
    return lambda page: checker.run(page).response["violations"]


def column(page: Any, place: int) -> list[str]:
    return [text.strip() for text in page.locator(f"tbody tr:visible td:nth-child({place})").all_inner_texts()]


def test_a_table_is_sorted_by_click_and_by_key(browser: Window, table_page: Path) -> None:
    page, errors, _ = browser.show(table_page, 1200, again=True)
    page.locator("th", has_text="rows").click()
    values = [int(text) for text in column(page, 2) if text != "–"]
    assert values == sorted(values)
    assert column(page, 2)[0] == "–", "what has no number stands below all"
    page.locator("th", has_text="p").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert column(page, 3) == [f"{place / 1000:.1e}" for place in reversed(range(20))]
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    assert page.title() == "table"
    assert errors == []


def test_a_table_is_filtered_and_downloaded_as_it_stands(browser: Window, table_page: Path) -> None:
    page, errors, _ = browser.show(table_page, 1200, again=True)
    with page.expect_download() as whole_table:
        page.get_by_role("button", name="Download as CSV: One table").click()
    rows = list(csv.reader(io.StringIO(Path(whole_table.value.path()).read_text(encoding="utf-8"))))
    assert whole_table.value.suggested_filename == "One-table.csv"
    assert rows[0] == ["name", "rows", "p"]
    assert [row[0] for row in rows[8:10]] == ["'=HYPERLINK(A1)", 'a "quoted", name'], "no formula runs"
    assert rows[4][0] == HOSTILE
    assert rows[6][1] == ""
    assert [float(row[2]) for row in rows[1:]] == [place / 1000 for place in range(20)]
    page.get_by_role("searchbox", name="Filter One table").fill("MEMBER 1")
    assert column(page, 1) == ["member 1", *(f"member {place}" for place in range(10, 20))]
    with page.expect_download() as filtered:
        page.get_by_role("button", name="Download as CSV: One table").click()
    assert len(Path(filtered.value.path()).read_text(encoding="utf-8").splitlines()) == 12
    assert errors == []


def test_a_narrow_screen_shows_the_columns_that_matter(browser: Window, table_page: Path) -> None:
    page, *_ = browser.show(table_page, 390, again=True)
    assert page.locator("th:visible").all_inner_texts() == ["name", "rows"]
    page.get_by_role("button", name="All columns").click()
    assert page.locator("th:visible").count() == 3


def test_axe_finds_a_fault_where_there_is_one(browser: Window, tmp_path: Path, axe: Callable[[Any], Any]) -> None:
    (tmp_path / "page.html").write_text("<html lang=en><title>a</title><img src=''><p style='color:#ccc'>faint</p>")
    page, *_ = browser.show(tmp_path / "page.html", 390)
    assert {each["id"] for each in axe(page)} >= {"image-alt", "color-contrast"}


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 900, 1400])
def test_axe_finds_no_grave_fault_anywhere(
    browser: Window, hostile_page: Path, axe: Callable[[Any], Any], width: int, scheme: str
) -> None:
    page, errors, _ = browser.show(hostile_page, width, scheme, offline=False)
    assert faults(axe(page)) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert errors == []


def test_axe_finds_no_grave_fault(browser: Window, hostile_page: Path, axe: Callable[[Any], Any]) -> None:
    page, errors, _ = browser.show(hostile_page, 390, "dark", offline=False)
    folds = page.locator("details > summary").all()[:3]
    for fold in folds:
        fold.click()
    assert faults(axe(page)) == []
    for fold in folds:  # other tests read the same page
        fold.click()
    assert errors == []


@pytest.fixture
def wide(browser: Window, hostile_page: Path) -> Drawn:
    """The page of hostile names on a wide screen, for what is read on it and what is printed of it."""
    return browser.show(hostile_page, 1400, "dark", offline=False)


def test_the_contents_lead_to_every_section_and_the_numbers_of_a_figure_can_be_read(wide: Drawn) -> None:
    page, errors, _ = wide
    links = page.locator("nav a")
    assert links.count() == page.locator("main section").count()
    links.filter(has_text="Members").click()
    assert page.evaluate("location.hash") == "#section-members"
    assert page.locator("#section-members").bounding_box()["y"] < 100
    figure = page.locator("figure", has=page.locator("#disagreement"))
    figure.locator("summary").focus()
    page.keyboard.press("Enter")
    figure.locator("tbody tr").first.wait_for()
    assert figure.locator("tbody tr").count() == 25, "a line a pair of members"
    said = page.locator("#disagreement").get_attribute("aria-label")
    assert said.startswith("Heat map")
    assert errors == []


def test_printed_figures_fit_the_paper_and_are_black_on_white(wide: Drawn, tmp_path: Path) -> None:
    page, errors, _ = wide
    page.evaluate(
        """addEventListener("beforeprint", () => { window.printed = [...document.querySelectorAll(".main-svg")]
            .map(svg => [svg.getBoundingClientRect().width, svg.style.background]); })"""
    )
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    printed = page.evaluate("window.printed")
    assert max(width for width, _ in printed) <= 180 / 25.4 * 96, "the width between the margins of A4"
    assert {background for _, background in printed if background} <= {"rgb(255, 255, 255)", "none"}
    assert page.evaluate("getComputedStyle(document.querySelector('figure')).breakInside") == "auto"
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('figure')).breakInside") == "avoid"
    assert not page.locator(".tools").first.is_visible()
    page.emulate_media(media="screen")
    assert errors == []


def test_nothing_of_a_pool_is_markup(wide: Drawn, hostile_page: Path) -> None:
    page, errors, _ = wide
    assert errors == []
    assert page.title() != "owned"
    assert page.locator("img").count() == 0
    content = hostile_page.read_text(encoding="utf-8")
    body = content[content.index("<body>") :]
    assert "<img" not in body
    assert body.count("<script") == body.count("</script>")


def test_the_charts_offer_to_send_nothing_away(wide: Drawn) -> None:
    page, errors, _ = wide
    contexts = page.evaluate(
        "[...document.querySelectorAll('.plot')].map(({_context: c}) => [c.showSendToCloud, c.plotlyServerURL, "
        "!!c.showLink, !!c.showEditInChartStudio, c.displaylogo, c.topojsonURL])"
    )
    assert len(contexts) > 5
    assert {tuple(each) for each in contexts} == {(False, "", False, False, False, "")}
    titles = page.evaluate("[...document.querySelectorAll('.modebar-btn')].map(each => each.dataset.title)")
    assert titles
    assert not [title for title in titles if re.search("share|cloud|studio|plotly", title or "", re.IGNORECASE)]
    assert page.evaluate("[...document.querySelectorAll('a')].filter(a => a.host).length") == 0
    assert errors == []


def test_nothing_is_asked_of_another_host_and_nothing_can_be(browser: Window, wide: Drawn) -> None:
    page, _, asked = wide
    assert {address.partition(":")[0] for address in asked} <= {"file", "data", "blob"}
    blocked = page.evaluate(
        """() => new Promise(resolve => {
            document.addEventListener("securitypolicyviolation", event => resolve(event.effectiveDirective));
            fetch("http://127.0.0.1:9/").catch(() => {});
        })"""
    )
    browser.empty()  # what was blocked is an error on the page
    assert blocked == "connect-src"


def test_libraries_stand_below_their_licences_and_name_no_host() -> None:
    script = tables_script()
    assert script.startswith("/*! tablesort 5.7.1\nCopyright (c) Tristen Brown")
    assert "Permission is hereby granted" in script
    assert "://" not in script
    assert len(script) < 100_000
