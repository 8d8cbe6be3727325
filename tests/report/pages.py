"""Pages of pools, and how a browser opens one."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lrensemble.evaluate import choose, evaluate, load, save
from lrensemble.pool import MemberRecord, Pool, Task
from lrensemble.report import write_report

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>"
GRAVE = ("serious", "critical", "moderate")
"""Faults of accessibility that a page may not have, as axe grades them."""


def evaluated(pool: Pool) -> Path:
    for method in ("greedy(size=5, bootstrap=3)", "brute_force"):
        save(pool, choose(pool, method, metric="accuracy"))
    path = pool.folder / "report.html"
    write_report(pool, evaluate(pool, load(pool)), path)
    return path


def collapsed_pool(folder: Path, before: str = "") -> Pool:
    """Four members that learned something, one that says the same of every row, and one that diverged.

    Args:
        folder: folder of the pool.
        before: what all names begin with.
    """
    generator, classes = np.random.default_rng(1), tuple(f"{before}{name}" for name in "abc")
    rows = {"val": np.arange(120), "test": np.arange(120, 230)}
    labels = {split: generator.integers(3, size=len(own)) for split, own in rows.items()}
    pool = Pool.create(folder, Task.of("hand", classes, rows=rows, labels=labels), labels)
    for place in range(5):
        said = {}
        for split, own in labels.items():
            logits = generator.normal(size=(len(own), 3))
            logits[np.arange(len(own)), own] += 2.5
            logits = np.tile([[3.0, 0.0, -1.0]], (len(own), 1)) if place == 2 else logits
            said[split] = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        recipe = {"policy": {"name": "constant", "peak": 0.1 * (place + 1)}}
        pool.add(MemberRecord(id=f"m{place}", order=place, name=f"{before}constant(peak={place})", recipe=recipe), said)
    pool.add(MemberRecord(id="m9", order=9, name=f"{before}lost", status="diverged"))
    return pool


ALL_DRAWN = """[...document.querySelectorAll(".plot")].every(plot => {
    const drawn = plot.querySelector(".main-svg");
    return drawn && Math.abs(drawn.getBoundingClientRect().width - plot.clientWidth) < 2;
})"""
"""Whether every figure is drawn as wide as it is now."""


class Drawn(NamedTuple):
    """A page in a browser."""

    page: Any
    errors: list[str]
    asked: list[str]
    """Addresses that were asked for."""


class Window:
    """The only window of a browser: opening another computes for as long as drawing half a page in it."""

    def __init__(self, browser: Any) -> None:
        self.page = browser.new_page()
        self._drawn = Drawn(self.page, [], [])
        self._shown: tuple[Path | None, str, bool] = (None, "", True)
        self.page.on("request", lambda request: self._drawn.asked.append(request.url))
        self.page.on("console", lambda message: self._told(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self._told(str(error)))

    def _told(self, error: str) -> None:
        self._drawn.errors.append(error)

    def empty(self, *, offline: bool = True) -> Drawn:
        """Nothing, with lists of errors and addresses that begin here."""
        self.page.goto("about:blank")
        self.page.emulate_media(media="screen")
        self.page.context.set_offline(offline)
        self._shown = (None, "", offline)
        self._drawn = Drawn(self.page, [], [])
        return self._drawn

    def show(
        self, path: Path, width: int, scheme: str = "light", *, offline: bool = True, again: bool = False
    ) -> Drawn:
        """A file, with all its figures drawn; where it is shown already the window has another width at most.

        Args:
            path: file of the page.
            width: width in pixels.
            scheme: "light" or "dark".
            offline: whether no host can be reached.
            again: draw it anew, without what was done to it before.
        """
        self.page.set_viewport_size({"width": width, "height": 900})
        wanted = (path, scheme, offline)
        if again or self._shown != wanted:
            self.empty(offline=offline)
            self.page.emulate_media(color_scheme=scheme)
            self.page.goto(f"file://{path}")
            self._shown = wanted
        self.page.wait_for_function(ALL_DRAWN)
        return self._drawn


def faults(found: list[dict[str, Any]]) -> list[str]:
    """Grave faults among those that axe has found, a line each."""
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found if each["impact"] in GRAVE]
