"""The live page in a real browser, through a real sweep: members appear, one fails, it is interrupted and resumed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.report.live.serving import served
from tests.report.pages import Drawn, Window, collapsed_pool, faults

from lrensemble.config import Experiment, to_record
from lrensemble.pool import MemberRecord
from lrensemble.train import Ended, Epoch, Event, tune

SWEEP: dict[str, Any] = {
    "data": "digits",
    "model": "tests.report.live.shaky:shaky",
    "policy": [{"name": "cosine", "peak": [0.2, 500.0, 0.4, 0.1]}],
    "train": {"epochs": 3, "batch_size": 100},
}
ROWS = "#section-members tbody tr"


def until(events: Iterator[Event], kind: type[Event], **values: object) -> None:
    """Let a sweep go on until an event of a kind, with these values."""
    next(
        each
        for each in events
        if isinstance(each, kind) and all(getattr(each, key) == own for key, own in values.items())
    )


RANGE = "name => document.getElementById(name)._fullLayout.xaxis.range"


def zoomed(page: Any, name: str) -> list[float]:
    """Range of a figure's first axis, after somebody has zoomed into it."""
    whole = page.evaluate(RANGE, name)
    plot = page.locator(f"#{name} .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.8, steps=4)
    page.mouse.up()
    page.wait_for_function(f"([name, whole]) => ({RANGE})(name)[0] !== whole[0]", arg=[name, whole])
    found: list[float] = page.evaluate(RANGE, name)
    return found


@pytest.fixture
def opened(browser: Window) -> Iterator[Drawn]:
    """A page without an address yet, the errors on it, and the hosts that it asks."""
    drawn = browser.empty(offline=False)
    drawn.page.set_viewport_size({"width": 900, "height": 900})
    drawn.page.set_default_timeout(180_000)
    yield drawn
    drawn.page.set_default_timeout(30_000)
    browser.empty()


def test_a_sweep_is_followed_from_its_first_epoch_to_its_end(opened: Drawn, tmp_path: Path) -> None:
    page, errors, asked = opened
    experiment = to_record(Experiment, SWEEP, "test")
    with served(tmp_path / "pool") as address:
        page.goto(address)
        page.get_by_role("heading", name="no pool yet").wait_for()
        events = tune(experiment, tmp_path / "pool", execution="one-by-one", save_steps=4)
        until(events, Epoch, epoch=1)
        page.get_by_role("heading", name="digits: under way").wait_for()
        assert "cosine(peak=0.2)" in page.locator("#section-under-way tr").nth(1).inner_text(), "who is at work on what"
        page.wait_for_function("document.getElementById('curves')?.data.some(t => t.name.endsWith('(under way)'))")
        until(events, Ended, status="failed")
        page.locator(ROWS, has_text="failed").wait_for()
        page.locator("#section-members summary", has_text="cosine(peak=500.0) failed: ValueError").click()
        assert "shaky.py" in page.locator("#section-members details[open] pre").inner_text()
        until(events, Ended, status="finished")
        page.get_by_role("heading", name="The best team so far").wait_for()
        until(events, Epoch, epoch=1)
        events.close()  # as Ctrl-C does
        page.get_by_text("nobody: left to the next").wait_for()
        page.get_by_role("heading", name="digits: not evaluated yet").wait_for()
        list(tune(experiment, tmp_path / "pool", execution="one-by-one"))
        page.locator(ROWS, has_text="cosine(peak=0.1)").wait_for()
        page.get_by_text("nobody: left to the next").wait_for(state="detached")
        assert page.locator(ROWS).count() == 4
        assert page.locator("#section-members details[open]").count() == 1, "what was unfolded stays so"
        page.wait_for_function("document.title === 'digits: not evaluated yet'")
        assert page.evaluate("document.documentElement.scrollWidth") <= 900
        assert errors == []
        assert {url.split("/")[2] for url in asked if not url.startswith(("data:", "blob:"))} == {address[7:]}
    page.get_by_text("This is what was seen last").wait_for()
    assert page.locator(ROWS).count() == 4


def test_what_a_reader_has_done_stays_and_nothing_bars_anybody(opened: Drawn, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page, errors, _ = opened
    pool = collapsed_pool(tmp_path / "pool")
    for number in range(10):
        pool.add(MemberRecord(id=f"x{number}", order=10 + number, name=f"lost-{number}", status="diverged"))
    with served(pool.folder) as address:
        page.goto(address)
        page.locator("#disagreement .main-svg").first.wait_for()
        page.locator("#section-members th", has_text="member").click()
        box = page.get_by_role("searchbox", name="Filter Members")
        box.fill("lost")
        before = zoomed(page, "disagreement")
        page.evaluate("window.drawn = document.getElementById('disagreement')")
        box.focus()
        pool.add(MemberRecord(id="y1", order=30, name="lost-too", status="diverged"))
        page.locator(f"{ROWS}:visible", has_text="lost-too").wait_for()
        assert page.locator(f"{ROWS}:visible").count() == 12
        assert page.locator("#section-members th[aria-sort]").inner_text().startswith("member")
        assert box.input_value() == "lost"
        assert page.evaluate("document.activeElement === document.querySelector('#section-members input')")
        assert page.evaluate("window.drawn === document.getElementById('disagreement')"), "drawn again in its place"
        assert page.evaluate(RANGE, "disagreement") == before
        assert page.locator("nav").count() == 1
        assert page.locator("nav a").count() == page.locator("main section").count()
        assert faults(axe.run(page).response["violations"]) == []
        assert errors == []
