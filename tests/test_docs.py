"""What the pages say is so: examples run, experiments load, methods exist, and every page is in the navigation."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Python

from lrensemble.config import load_experiment
from lrensemble.select import check_method
from lrensemble.train import Planned, tune
from lrensemble.train.sweep.strategies import STRATEGIES

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").rglob("*.md"))
PREPARED = ("bring-your-own",)
"""Pages whose snippets presume what other tools have left: `tests/adopt` runs them."""
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def run(python: Python) -> Callable[..., str]:
    def run(*command: object, folder: Path) -> str:
        result = python(*command, folder=folder)
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs_and_is_short(example: Path, tmp_path: Path, run: Callable[..., str]) -> None:
    assert len(example.read_text(encoding="utf-8").splitlines()) < 80
    assert run(example, folder=tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_page_says_what_is_so(page: Path, tmp_path: Path, run: Callable[..., str]) -> None:
    for number, block in enumerate(blocks(page, "python") if page.stem not in PREPARED else ()):
        run("-c", block, folder=tmp_path)
        (tmp_path / f"block_{number}.py").write_text(block, encoding="utf-8")
    for block in blocks(page, "toml"):
        if "[[policy]]" in block:  # a whole experiment; others are parts of one
            (tmp_path / "experiment.toml").write_text(block, encoding="utf-8")
            load_experiment(str(tmp_path / "experiment.toml"))
    text = page.read_text(encoding="utf-8")
    for method in re.findall(r"(?:-m|--method) '?([\w()=, ]+?)'?(?= -|\n)", text):
        check_method(method.strip())


def test_the_sweep_trains_as_many_recipes_as_it_says(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    page = ROOT / "docs" / "how-to" / "sweep.md"
    (tmp_path / "experiment.toml").write_text(blocks(page, "toml")[0], encoding="utf-8")
    planned = next(tune(load_experiment(str(tmp_path / "experiment.toml")), tmp_path / "pool"))
    assert isinstance(planned, Planned)
    assert len(planned.runs) + planned.remaining == 16
    table = page.read_text(encoding="utf-8").split("| `strategy` |")[1].split("\n\n")[0]
    specs = re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE)
    assert len({STRATEGIES.check(spec).name for spec in specs}) == len(specs) >= 6


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in PAGES:
        assert str(page.relative_to(ROOT / "docs")) in navigation
