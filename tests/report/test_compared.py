"""Several pools and studies on one page: tables of what is comparable, by hand and by the command."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.evaluate.study.conftest import small_search  # noqa: F401  (a fixture for the studies here as well)
from tests.evaluate.study.studies import settings_of, skilled_pool
from tests.report.pages import HOSTILE, Window, collapsed_pool

import lrensemble
from lrensemble.errors import PoolError, ReportError
from lrensemble.evaluate import choose, save
from lrensemble.evaluate.study import STUDY, Comparison, compare, read_comparison
from lrensemble.files import seal
from lrensemble.pool import Pool
from lrensemble.report.compared.together import HEADINGS, comparison


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two pools over the same rows, one of other rows that nobody chose from, and a study with a hostile name."""
    root = tmp_path_factory.mktemp("to compare")
    pools = {name: skilled_pool(root / name / "pool", [skill] * 3) for name, skill in (("weak", 0.5), ("strong", 1.5))}
    for pool in pools.values():
        save(pool, choose(pool, "all", folds=3))
    collapsed_pool(root / "other")
    found = compare({name: [pool] for name, pool in pools.items()}, settings_of(list(pools)))
    (root / "study").mkdir()
    record = json.loads(found.model_dump_json().replace('"strong"', f'"{HOSTILE}"'))
    (root / "study" / STUDY).write_bytes(seal(record))
    return {name: root / name for name in ("weak", "strong", "other", "study")}


def test_pools_of_the_same_rows_stand_in_one_table(folders: dict[str, Path], browser: Window, tmp_path: Path) -> None:
    given: list[Any] = [folders["weak"] / "pool", str(folders["strong"] / "pool"), folders["other"], folders["study"]]
    written = lrensemble.report(given, tmp_path / "a page.html")
    page, errors, _ = browser.show(written.path, 390)
    titles = page.locator("h1, section h2").all_inner_texts()
    assert titles[0] == "3 pools and 1 study, compared"
    assert titles[1:3] == ["Pools of hand, rows 1", "Pools of hand, rows 2"]
    assert titles[-1] == "Study study: hand"
    assert page.title() == "Pools and studies, compared"
    assert page.locator("img").count() == 0
    first, second = (page.locator("section").nth(place).locator("table").first for place in (1, 2))
    assert first.locator("tbody td:first-child").all_inner_texts() == ["weak", "strong"]
    assert second.locator("tbody td:last-child").all_inner_texts() == ["not evaluated yet"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert errors == []


def test_a_row_says_what_the_result_says(folders: dict[str, Path]) -> None:
    pool = Pool.open(folders["strong"] / "pool")
    result = lrensemble.evaluate(pool)
    sections = list(comparison({HOSTILE: (pool, result)}, {}))
    (row,) = sections[1].tables[0].rows
    said = dict(zip(HEADINGS, row, strict=True))
    assert said["pool"] == HOSTILE
    assert (said["members"], said["lost"]) == ("3", "0")
    assert said["verdict"] == result.verdict.kind
    single = result.best_single.test
    assert single is not None
    assert single.accuracy is not None
    assert said["best single"] == f"{100 * single.accuracy:.2f}"


def test_a_study_is_read_as_it_was_written(folders: dict[str, Path], tmp_path: Path) -> None:
    found = read_comparison(folders["study"])
    assert isinstance(found, Comparison)
    assert set(found.pools) == {"weak", HOSTILE}
    content = (folders["study"] / STUDY).read_text(encoding="utf-8").replace("weak", "meek")
    (tmp_path / STUDY).write_text(content, encoding="utf-8")
    with pytest.raises(PoolError, match="its checksum is not that of its content"):
        lrensemble.report(tmp_path, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_what_cannot_be_compared_is_told(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="give folders of pools or of studies"):
        lrensemble.report([], tmp_path / "page.html")
    with pytest.raises(PoolError, match="no pool at"):
        lrensemble.report([folders["weak"] / "pool", tmp_path], tmp_path / "page.html")
    with pytest.raises(ReportError, match="pictures of one pool's rows"):
        lrensemble.report([folders["study"]], tmp_path / "page.html", data=tmp_path)
