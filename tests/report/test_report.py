"""The page: safe, self-contained, and drawn by a real browser without a network."""

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from tests.report.pages import HOSTILE, Window

from lrensemble.config import Experiment, to_record
from lrensemble.errors import MissingExtraError, ReportError, StorageError
from lrensemble.evaluate import evaluate, load, validation_of
from lrensemble.pool import Pool
from lrensemble.report import write_figures, write_report
from lrensemble.report.escape import escape_html, script_json
from lrensemble.report.page import sections_of
from lrensemble.report.parameters import cosines, products_of, squared_distances
from lrensemble.report.pictures import pictures
from lrensemble.report.section import Section
from lrensemble.report.sections.diversity import greedy_path, some_teams
from lrensemble.report.sections.heat_maps import clustered
from lrensemble.report.sections.price import pareto_front
from lrensemble.report.sections.reliability import bins
from lrensemble.report.sections.speed import combined, speeds
from lrensemble.select import select
from lrensemble.train import tune

ALL_COLUMNS_IN_SIGHT = (
    "[...document.querySelectorAll('table:has(caption)')]"
    ".every(table => table.scrollWidth <= table.parentElement.clientWidth)"
)


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), pytest.param(1400, "light", marks=pytest.mark.long)])
def test_a_browser_draws_every_figure_and_cuts_nothing(
    browser: Window, trained_page: Path, width: int, scheme: str
) -> None:
    page, errors, _ = browser.show(trained_page, width, scheme)
    assert errors == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    plots = page.locator(".plot")
    names = [plots.nth(place).get_attribute("id") for place in range(plots.count())]
    heat_maps = ["disagreement", "divergence", "cosine", "distance", "layers"]
    parameters, teams = ["importance", "parallel", "slice_0", "slice_1"], ["diversity", "focal", "size", "greedy"]
    confusions = ["confusion", "confusion_change"]
    expected = ["curves", *heat_maps, *parameters, "step", "spread", *teams, "reliability", "risk_coverage", "price"]
    assert names == [*expected, *confusions, "classes"]
    for place in range(plots.count()):
        assert plots.nth(place).locator(".main-svg").count() > 0
        assert plots.nth(place).bounding_box()["width"] <= width
    assert page.locator("h1").inner_text() == "digits: the verdict"
    teams_table = page.locator("table").first
    assert teams_table.locator("caption").inner_text().startswith("digits: ")
    assert teams_table.locator("th").first.inner_text() == "team"
    if width > 1000:
        assert page.evaluate(ALL_COLUMNS_IN_SIGHT)


def test_on_a_wide_page_all_is_in_sight_and_the_filter_and_the_pointer_work(
    browser: Window, trained_page: Path
) -> None:
    page, errors, _ = browser.show(trained_page, 1400, "dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1400
    assert page.evaluate(ALL_COLUMNS_IN_SIGHT)
    page.locator(".filter").fill("COSINE")
    page.wait_for_function("document.getElementById('curves').data.some(trace => trace.visible === false)")
    seen = page.evaluate("document.getElementById('curves').data.filter(t => t.visible !== false).map(t => t.name)")
    assert seen
    assert all("cosine" in name for name in seen)
    page.locator("#price").scroll_into_view_if_needed()
    box = page.locator("#price .points path").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#price .hoverlayer .hovertext")
    assert errors == []


def test_the_page_stands_alone(trained_page: Path) -> None:
    content = trained_page.read_text(encoding="utf-8")
    assert len(content) < 15 * 2**20
    outside = re.sub(r"<script>.*?</script>", "", content, flags=re.DOTALL)
    assert set(re.findall(r"href\s*=(..)", outside)) == {'"#'}, "links lead into the page itself"
    sources = re.findall(r"src\s*=(.{22})", outside)
    assert len(sources) == 16, "a picture for each of the rows"
    assert set(sources) == {'"data:image/png;base64'}
    assert "No reliable difference" in content or "better" in content
    for figure in re.findall(r'<script type="application/json">(.*?)</script>', content):
        assert set(json.loads(figure)) == {"data", "layout"}


def test_a_folder_that_cannot_be_written_is_refused(trained: Pool, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"cannot write .*report\.html"):
        write_report(trained, evaluate(trained, load(trained)), tmp_path / "file" / "report.html")


def test_without_plotly_it_says_what_to_install(trained: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "plotly.offline", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lrensemble\[report\]'"):
        write_report(trained, evaluate(trained, load(trained)), tmp_path / "report.html")


def test_pictures_are_those_of_the_rows(trained: Pool) -> None:
    import io

    from PIL import Image

    shown = pictures(trained.members(), None, [3, 0])
    assert not isinstance(shown, str)
    images = load_digits().images / 16
    for picture, row in zip(shown, (3, 0), strict=True):
        assert picture.alt == f"test row {row}"
        pixels = np.asarray(Image.open(io.BytesIO(picture.png)), dtype=np.float64) / 255
        assert pixels.shape == (8, 8)
        assert min(abs(images - pixels).max(axis=(1, 2))) < 1 / 200, "one of the digits, as bright as it is"


def test_where_there_are_no_pictures_it_says_why(hostile: Pool) -> None:
    assert pictures(hostile.members(), None, [0]) == (
        "There are no pictures of the rows: the members of this pool were trained elsewhere."
    )


@pytest.fixture(scope="module")
def sections(trained: Pool, trained_page: Path) -> list[Section]:
    assert trained_page.exists(), "its teams are chosen"
    return sections_of(trained, evaluate(trained, load(trained)))


@pytest.mark.parametrize(
    ("form", "start"),
    [
        pytest.param("svg", b"<svg", marks=pytest.mark.long),
        pytest.param("png", b"\x89PNG", marks=pytest.mark.long),
        ("pdf", b"%PDF"),
    ],
)
def test_the_figures_as_files(
    browser: Window, sections: list[Section], tmp_path: Path, form: str, start: bytes
) -> None:
    """As PNG it is drawn by one function with the figures of `test_plots.py`."""
    assert browser is not None, "it is Chromium that draws them"
    paths = write_figures([section for section in sections if section.title == "Reliability"], tmp_path / form, form)
    assert [path.name for path in paths] == [f"reliability.{form}"]
    assert paths[0].read_bytes().startswith(start)


def test_figures_that_cannot_be_written(sections: list[Section], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot write"):
        write_figures(sections, tmp_path / "file" / "figures", "svg")
    with pytest.raises(ReportError, match="no figures as 'jpg'; choose from svg, png, pdf"):
        write_figures(sections, tmp_path / "jpg", "jpg")
    assert not (tmp_path / "jpg").exists()


def test_without_a_browser_it_says_what_to_install(
    sections: list[Section], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "nowhere"))
    with pytest.raises((MissingExtraError, ReportError), match=r"browser|Chromium"):
        write_figures(sections, tmp_path / "figures", "svg")
    assert not list((tmp_path / "figures").iterdir())


def test_speed_of_members_is_known_where_their_network_is(trained: Pool, hostile: Pool) -> None:
    found = speeds(trained.members(), trained.task.target)
    assert found.keys() == {member.id for member in trained.members()}
    assert len({id(speed) for speed in found.values()}) == 1, "one architecture is measured once"
    both = combined(found.values())
    assert both.latency == pytest.approx(4 * next(iter(found.values())).latency)
    assert both.throughput > 0
    assert speeds(hostile.members(), hostile.task.target) == {}


def test_what_is_safe() -> None:
    assert escape_html("<b>&\"'") == "&lt;b&gt;&amp;&#34;&#x27;"
    assert escape_html("a\u202eb\nc") == "a\\u202eb\nc", "no name turns the sentence that it stands in"
    assert "</" not in script_json({"name": HOSTILE})
    assert json.loads(script_json({"name": HOSTILE})) == {"name": HOSTILE}


def test_parameters_are_compared_layer_by_layer_and_whole(trained: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    members = trained.members()
    layers = sorted(members[0].weights())
    flat = {name: [member.weights()[name].double().flatten().numpy() for member in members] for name in layers}
    for held in (1 << 25, 1):  # whole layers at once, and row by row
        monkeypatch.setattr(import_module("lrensemble.report.parameters"), "IN_MEMORY", held)
        products = products_of(members)
        assert products is not None
        assert list(products.layers) == layers
        for place, name in enumerate(layers):
            expected = [[one @ other for other in flat[name]] for one in flat[name]]
            np.testing.assert_allclose(products.by_layer[place], expected, rtol=1e-10)
        whole = [np.concatenate([flat[name][member] for name in layers]) for member in range(len(members))]
        similarity = [[a @ b / np.sqrt((a @ a) * (b @ b)) for b in whole] for a in whole]
        np.testing.assert_allclose(cosines(products.whole), similarity, atol=1e-12)
        distance = [[((a - b) ** 2).sum() for b in whole] for a in whole]
        np.testing.assert_allclose(squared_distances(products.whole), distance, atol=1e-9)


def test_statistics_of_batch_norm_are_no_parameters(tmp_path: Path) -> None:
    sweep: dict[str, Any] = {"data": "digits", "model": "cnn(width=2)", "policy": ["constant(peak=0.1)"]}
    list(tune(to_record(Experiment, sweep | {"train": {"epochs": 1, "batch_size": 500}}, "test"), tmp_path / "pool"))
    products = products_of(Pool.open(tmp_path / "pool").members())
    assert products is not None
    assert products.layers
    assert not [name for name in products.layers if "running" in name or "batches" in name]


def test_members_without_weights_or_of_other_shapes_cannot_be_compared(
    hostile: Pool, trained: Pool, tmp_path: Path
) -> None:
    assert products_of(hostile.members()) is None
    sweep: dict[str, Any] = {"data": "digits", "model": "mlp(width=5)", "policy": ["constant(peak=0.1)"]}
    list(tune(to_record(Experiment, sweep | {"train": {"epochs": 1, "batch_size": 500}}, "test"), tmp_path / "other"))
    assert products_of([*trained.members(), *Pool.open(tmp_path / "other").members()]) is None


def test_the_greedy_path_is_that_of_the_selector(trained: Pool) -> None:
    validation = validation_of(trained)
    added, losses = greedy_path(validation.of_truth(), 5)
    for size in range(1, 6):
        found = select(validation, f"greedy(size={size}, bootstrap=0)")
        assert -found.score == pytest.approx(min(losses[:size]), rel=1e-6), "the best prefix"
        assert set(added[:size]) == set(found.team)


def test_small_parts_by_hand() -> None:
    assert pareto_front([1, 2, 2, 3, 4], [5, 4, 6, 6, 9]) == [0, 2, 4]
    confidence, accuracy, count = bins(np.array([[0.9, 1], [0.95, 0], [0.6, 1]]))
    np.testing.assert_allclose(confidence, [0.6, 0.9, 0.95])
    assert accuracy.tolist() == [1, 1, 0]
    assert count.tolist() == [1, 1, 1]
    distances = np.array([[0, 9, 1.0], [9, 0, 9], [1, 9, 0]])
    order = clustered(distances)
    assert abs(order.index(0) - order.index(2)) == 1
    masks, note = some_teams(3)
    assert (len(masks), note) == (4, "All 4 teams of two or more.")
    masks, note = some_teams(20)
    assert masks.shape == (1500, 20)
    assert masks.sum(axis=1).min() >= 2
    assert note.startswith("A sample of 1,500 teams")
