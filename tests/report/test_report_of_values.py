"""The page of a pool of values: its own sections, drawn by a browser, and what stands in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.test_streaming import pool_of as pool_of_classes
from tests.evaluate.value_pools import MEMBERS, value_pool
from tests.report.pages import Window

from lrensemble.evaluate import choose, evaluate, load, save
from lrensemble.pool import Pool
from lrensemble.report import write_report
from lrensemble.report.page import sections_of
from lrensemble.report.section import Section
from lrensemble.report.sections.ambiguity import Decomposition
from lrensemble.report.sections.residuals import LEVELS, coverages


def written(pool: Pool) -> tuple[Path, list[Section]]:
    for method in ("greedy(size=5, bootstrap=0)", "all"):
        save(pool, choose(pool, method, folds=3))
    path = pool.folder / "report.html"
    return path, write_report(pool, evaluate(pool, load(pool)), path)


NAMES = ["apart", "ambiguity", "size", "greedy", "predicted", "residuals", "price"]
"""Figures of a pool of values, in their order."""


@pytest.mark.parametrize("form", [pytest.param("values", marks=pytest.mark.long), "gaussian"])
def test_a_browser_draws_the_sections_of_values(browser: Window, tmp_path: Path, form: str) -> None:
    path, sections = written(value_pool(tmp_path, (form,) * MEMBERS))
    page, errors, _ = browser.show(path, 1200)
    assert errors == []
    plots = page.locator(".plot")
    names = [plots.nth(place).get_attribute("id") for place in range(plots.count())]
    assert names == [figure.name for section in sections for figure in section.figures]
    assert names == ([*NAMES[:-1], "calibration", "price"] if form == "gaussian" else NAMES)


def test_values_alone_have_no_sections_of_classes_and_no_calibration(tmp_path: Path) -> None:
    _, sections = written(value_pool(tmp_path, ("values",) * MEMBERS))
    assert [figure.name for section in sections for figure in section.figures] == NAMES
    assert not {"Reliability", "Classes and rows"} & {section.title for section in sections}


def test_sections_that_have_nothing_to_show_are_left_out(tmp_path: Path) -> None:
    """The likelihood of the truth alone tells neither classes nor confidences."""
    pool = pool_of_classes(tmp_path, ("likelihood",) * 3)
    titles = [section.title for section in sections_of(pool, evaluate(pool, [choose(pool, "all", folds=0)]))]
    assert not {"Reliability", "Diversity and size", "Classes and rows", "Residuals"} & set(titles)
    assert {"Members", "The price"} < set(titles)


def test_the_decomposition_is_exact() -> None:
    """Krogh & Vedelsby 1995, written slowly: a row, an output and a member at a time, with weights of all three."""
    generator = np.random.default_rng(3)
    members, rows, outputs = 4, 19, 2
    said, truth = generator.normal(size=(members, rows, outputs)), generator.normal(size=(rows, outputs))
    times, shares = generator.choice([1.0, 2.0], rows), generator.dirichlet(np.ones(members), size=3)
    found = Decomposition.of(said - truth, times)
    for team, own in enumerate(shares):
        error = apart = 0.0
        for row in range(rows):
            for output in range(outputs):
                mean = sum(own[member] * said[member, row, output] for member in range(members))
                share = times[row] / times.sum() / outputs
                error += share * (mean - truth[row, output]) ** 2
                apart += share * sum(own[m] * (said[m, row, output] - mean) ** 2 for m in range(members))
        assert found.errors(shares)[team] == pytest.approx(error)
        assert found.ambiguities(shares)[team] == pytest.approx(apart)


def test_the_greedy_path_is_that_of_the_selector(tmp_path: Path) -> None:
    pool = value_pool(tmp_path)
    said = np.stack([member.predictions("val").main for member in pool.members()])
    added, losses = Decomposition.of(said - pool.truth("val"), None).greedy_path(4)
    for size in range(1, 5):
        team = choose(pool, f"greedy(size={size}, bootstrap=0)", metric="mse", folds=0)
        assert losses[size - 1] >= -team.score - 1e-9, "the best prefix is never worse"
    assert -choose(pool, "greedy(size=1, bootstrap=0)", metric="mse", folds=0).score == pytest.approx(losses[0])
    assert len(added) == 4


def test_coverage_of_what_is_drawn_from_what_is_said() -> None:
    generator = np.random.default_rng(0)
    said = np.stack([generator.normal(size=4000), np.full(4000, 4.0)], axis=1)
    truth = said[:, :1] + 2.0 * generator.normal(size=(4000, 1))
    assert coverages(said, truth) == pytest.approx(LEVELS.tolist(), abs=0.03)
    times = generator.integers(0, 4, size=50)
    rows = np.repeat(np.arange(50), times)
    assert coverages(said[:50], truth[:50], times.astype(float)) == pytest.approx(coverages(said[rows], truth[rows]))
