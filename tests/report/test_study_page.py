"""The page of a study: whole, by itself, with all that the record holds, and nobody's text in it as code."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.evaluate.study.conftest import small_search  # noqa: F401  (a fixture for the studies here as well)
from tests.evaluate.study.studies import settings_of, skilled_pool
from tests.report.pages import HOSTILE, Window

from lrensemble.evaluate.study import Comparison, compare
from lrensemble.report.compared.study import sections_of, study_page


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    folder = tmp_path_factory.mktemp("page")
    pools = {
        name: [skilled_pool(folder / f"{name}{r}", [skill] * 4, replicate=r) for r in range(2)]
        for name, skill in (("weak", 0.5), ("middle", 1.0), ("strong", 1.5))
    }
    return compare(pools, settings_of(list(pools)))


def test_it_has_a_section_for_every_question(found: Comparison) -> None:
    sections = list(sections_of(found))
    assert [section.title for section in sections] == [
        "hand: 3 pools, compared",
        "Teams against that of weak",
        "Each team over its own pool's best single model",
        "What each selector makes of each pool",
        "Size of the team",
        "Size of the pool",
        "Cost to the same score",
        "How many seeds",
        "Diversity",
        "Averages of weights",
        "Every two pools",
    ]
    assert found.claim in sections[0].prose
    names = [figure.name for section in sections for figure in section.figures]
    assert len(names) == len(set(names))
    assert len(sections[-1].tables[0].rows) == 3


def test_intervals_over_rows_and_over_replicates_are_drawn(found: Comparison) -> None:
    (figure,) = list(sections_of(found))[1].figures
    rows, replicates, both = figure.traces
    assert len(both["x"]) == 2
    for trace, ends in ((rows, "rows"), (replicates, "replicates")):
        for place, each in enumerate(found.over_reference["accuracy"].values()):
            own = getattr(each, ends)
            high = trace["x"][place] + trace["error_x"]["array"][place]
            assert trace["x"][place] == pytest.approx(100 * each.value)
            assert high == pytest.approx(100 * own.adjusted_high)


@pytest.mark.long
def test_it_is_drawn_without_errors_and_hostile_names_stay_text(
    found: Comparison, browser: Window, tmp_path: Path
) -> None:
    """On a page of several studies its sections are always drawn: `test_compared.py`."""
    text = found.model_dump_json().replace('"strong"', f'"{HOSTILE}"').replace('"hand"', f'"{HOSTILE}"')
    study_page(Comparison.model_validate_json(text), tmp_path / "study.html")
    page, errors, _ = browser.show(tmp_path / "study.html", 900)
    assert errors == []
    assert page.title() == f"{HOSTILE}: a study"
    assert page.locator("img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 900


def test_a_study_of_one_pool_has_a_page(tmp_path: Path) -> None:
    own = {"one": [skilled_pool(tmp_path / "one", [1.0], only_labels=True)]}
    sections = study_page(compare(own, settings_of(["one"])), tmp_path / "study.html")
    assert "Teams against that of one" not in [section.title for section in sections]
    assert (tmp_path / "study.html").stat().st_size > 10**6
