"""The page "Bring your own": every snippet runs and prints what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from importlib import import_module
from pathlib import Path

import pytest
from tests.adopt.given.digits import rows

import lrensemble

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "bring-your-own.md"
SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
SNIPPET = re.compile(r"```python\n(.*?)```\n(?:```text\n(.*?)```)?", re.DOTALL)
SECTIONS = dict(SECTION.findall(PAGE.read_text(encoding="utf-8")))
MOST_LINES = 6


def module_of(title: str) -> str:
    """`Ray Tune` is prepared by `ray_tune`."""
    return re.sub(r"\W+", "_", title.lower()).strip("_")


@pytest.mark.parametrize("title", SECTIONS)
def test_every_snippet_prints_what_the_page_says(title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preparation = import_module(f"tests.adopt.given.{module_of(title)}")
    for needed in getattr(preparation, "NEEDS", ()):
        pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    names = {"lrensemble": lrensemble, "rows": rows(), **rows(), **preparation.made()}
    snippets = SNIPPET.findall(SECTIONS[title])
    assert snippets, f"{title} has no snippet"
    for code, expected in snippets:
        assert len(code.strip().splitlines()) <= MOST_LINES
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, title, "exec"), names)
        assert printed.getvalue().strip() == expected.strip()
