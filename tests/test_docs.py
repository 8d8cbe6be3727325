"""What the pages say is so: examples run, experiments load, methods exist, and every page is in the navigation."""

import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Python

import lrensemble
from lrensemble.config import Experiment, load_experiment, to_record
from lrensemble.config.study_file import load_study
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


def is_part(block: str) -> bool:
    """Whether a block of TOML holds some sections of an experiment, and not all that it needs."""
    return "[[policy]]" not in block and "[pools." not in block


def experiment_with(part: str) -> dict[str, Any]:
    """A small experiment of two policies, with the sections of a page's block in place of its own."""
    given = tomllib.loads(part)
    data = {"name": "digits"} | given.pop("data", {})
    policy = "one_cycle" if "policy.peak" in part else "one_cycle(peak=[0.01, 0.02])"
    return {"data": data, "model": "mlp(width=4)", "policy": [policy], **given}


def write_modules(page: Path, folder: Path) -> None:
    """Blocks of Python that begin with the name of their file, as such files."""
    for block in blocks(page, "python"):
        if named := re.match(r"# (\w+)\.py\n", block):
            (folder / f"{named[1]}.py").write_text(block, encoding="utf-8")


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(map(is_part, blocks(page, "toml")))], ids=lambda path: path.stem
)
def test_a_part_of_an_experiment_fits_into_one(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_modules(page, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for block in filter(is_part, blocks(page, "toml")):
        to_record(Experiment, experiment_with(block), str(page))


def test_the_study_can_be_read(tmp_path: Path) -> None:
    (block,) = blocks(ROOT / "docs" / "how-to" / "study.md", "toml")
    (tmp_path / "study.toml").write_text(block, encoding="utf-8")
    assert len(load_study(tmp_path / "study.toml").trained) == 4


@pytest.mark.parametrize(
    ("page", "module", "part"),
    [
        ("model", "my_models", '[model]\nname = "my_models:tiny"\nwidth = 3'),
        ("model", "my_loops", '[train]\nfunction = "my_loops:plain(momentum=0.8)"'),
        ("losses", "my_losses", 'data = {name = "diabetes"}\n[train]\nloss = "my_losses:cubed(power=4)"'),
    ],
)
def test_a_function_of_the_page_trains(
    page: str, module: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ROOT / "docs" / "how-to" / f"{page}.md"
    text = path.read_text(encoding="utf-8")
    assert re.search(rf"\b{module}:\w+", part)[0] in text  # type: ignore[index]
    write_modules(path, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    pool = lrensemble.tune(experiment_with(part), tmp_path / "pool", epochs=1)
    assert [member.status for member in pool] == ["finished"] * 2
    assert Path(str(sys.modules[module].__file__)).parent == tmp_path


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
