"""The page and another host: it names none, loads nothing from one, and offers to send nothing to one."""

import re
from pathlib import Path

import pytest
from tests.report.pages import Drawn

from lrensemble.report.figures import _page_options
from lrensemble.report.section import plotly_script

ADDRESS = re.compile(r"(?:https?:|wss?:|ftp:)?//[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)


def test_what_we_write_names_no_other_host(hostile_page: Path) -> None:
    content = hostile_page.read_text(encoding="utf-8")
    library = plotly_script()
    assert content.count(library) == 1
    assert not ADDRESS.findall(content.replace(library, ""))


def test_the_charts_offer_to_send_nothing_away(hostile_drawn: Drawn) -> None:
    page, errors, _ = hostile_drawn
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


def test_nothing_is_asked_of_another_host_and_nothing_can_be(hostile_drawn: Drawn) -> None:
    page, _, asked = hostile_drawn
    assert {address.partition(":")[0] for address in asked} <= {"file", "data", "blob"}
    blocked = page.evaluate(
        """() => new Promise(resolve => {
            document.addEventListener("securitypolicyviolation", event => resolve(event.effectiveDirective));
            fetch("http://127.0.0.1:9/").catch(() => {});
        })"""
    )
    assert blocked == "connect-src"


def test_nor_does_the_page_that_figures_as_files_are_drawn_on() -> None:
    kaleido = pytest.importorskip("kaleido")
    options = _page_options()
    page = kaleido.PageGenerator(plotly=options["plotlyjs"], mathjax=options["mathjax"]).generate_index()
    assert set(re.findall(r"src=\"(\w+):", page)) == {"file"}
    assert not ADDRESS.findall(page)
