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


def collapsed_pool(folder: Path) -> Pool:
    """Four members that learned something, one that says the same of every row, and one that diverged."""
    generator, classes = np.random.default_rng(1), ("a", "b", "c")
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
        pool.add(MemberRecord(id=f"m{place}", order=place, name=f"constant(peak={place})", recipe=recipe), said)
    pool.add(MemberRecord(id="m9", order=9, name="lost", status="diverged"))
    return pool


class Drawn(NamedTuple):
    """A page in a browser."""

    page: Any
    errors: list[str]
    asked: list[str]
    """Addresses that were asked for."""


def open_page(browser: Any, path: Path, width: int, scheme: str = "light", *, offline: bool = True) -> Drawn:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=offline)
    page, errors, asked = context.new_page(), list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"file://{path}")
    page.wait_for_function(
        "document.querySelectorAll('.plot .main-svg').length >= document.querySelectorAll('.plot').length"
    )
    return Drawn(page, errors, asked)


def faults(found: list[dict[str, Any]]) -> list[str]:
    """Grave faults among those that axe has found, a line each."""
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found if each["impact"] in GRAVE]
