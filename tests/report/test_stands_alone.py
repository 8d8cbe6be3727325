"""The page and another host: it names none, and loads nothing from one."""

import re
from pathlib import Path

import pytest

from lrensemble.report.figures import _page_options
from lrensemble.report.section import plotly_script

ADDRESS = re.compile(r"(?:https?:|wss?:|ftp:)?//[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)


def test_what_we_write_names_no_other_host(hostile_page: Path) -> None:
    content = hostile_page.read_text(encoding="utf-8")
    library = plotly_script()
    assert content.count(library) == 1
    assert not ADDRESS.findall(content.replace(library, ""))


def test_nor_does_the_page_that_figures_as_files_are_drawn_on() -> None:
    kaleido = pytest.importorskip("kaleido")
    options = _page_options()
    page = kaleido.PageGenerator(plotly=options["plotlyjs"], mathjax=options["mathjax"]).generate_index()
    assert set(re.findall(r"src=\"(\w+):", page)) == {"file"}
    assert not ADDRESS.findall(page)
