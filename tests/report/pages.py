"""Pages of pools, and how a browser opens one."""

from pathlib import Path
from typing import Any, NamedTuple

from lrensemble.evaluate import choose, evaluate, load, save
from lrensemble.pool import Pool
from lrensemble.report import write_report

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>"


def evaluated(pool: Pool) -> Path:
    for method in ("greedy(size=5, bootstrap=3)", "brute_force"):
        save(pool, choose(pool, method, metric="accuracy"))
    path = pool.folder / "report.html"
    write_report(pool, evaluate(pool, load(pool)), path)
    return path


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
