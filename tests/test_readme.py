"""What the README says is so: every file stands in its tree, every example runs."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lrensemble.config import load_experiment
from lrensemble.config.space import DISTRIBUTIONS
from lrensemble.consensus import CONSENSUS
from lrensemble.data import SOURCES
from lrensemble.metrics import METRICS
from lrensemble.models import MODELS
from lrensemble.policies import POLICIES
from lrensemble.select import SELECTORS
from lrensemble.train import Planned, tune
from lrensemble.train.sweep.strategies import STRATEGIES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
TREE = next(block for _, block in FENCES if block.startswith("src/lrensemble/"))
COLLAPSED = ("kernels", "cli", "experiments")
"""Folders that stand in the tree as one line."""


def blocks(language: str) -> list[str]:
    return [block for name, block in FENCES if name == language]


def test_every_file_stands_in_the_tree() -> None:
    source = ROOT / "src" / "lrensemble"
    names = {
        path.name
        for path in source.rglob("*.py")
        if not set(path.relative_to(source).parts) & set(COLLAPSED) and not path.name.startswith("__")
    }
    missing = sorted(name for name in names if f" {name} " not in TREE)
    assert missing == []
    named = set(re.findall(r"── (\S+\.py)", TREE))
    assert sorted(named - names - {"__init__.py"}) == [], "these are in the tree and not on disk"


@pytest.mark.parametrize(
    ("title", "registry"),
    [
        ("policies", POLICIES),
        ("strategies", STRATEGIES),
        ("ranges", DISTRIBUTIONS),
        ("selectors", SELECTORS),
        ("consensus", CONSENSUS),
        ("models", MODELS),
        ("data", SOURCES),
        ("metrics", METRICS),
    ],
)
def test_every_name_stands_in_the_table(title: str, registry: object) -> None:
    line = next(line for line in README.splitlines() if line.startswith(f"| {title} | `"))
    given = set(re.findall(r"`([\w\-]+)`", line))
    known = {name for name in registry if not name.isupper()}  # type: ignore[attr-defined]
    assert given == known


def test_the_experiment_is_one(tmp_path: Path) -> None:
    (tmp_path / "experiment.toml").write_text(blocks("toml")[0], encoding="utf-8")
    assert len(load_experiment(str(tmp_path / "experiment.toml")).policy) == 8


def test_the_sweep_is_one(tmp_path: Path) -> None:
    (tmp_path / "experiment.toml").write_text(blocks("toml")[1], encoding="utf-8")
    planned = next(tune(load_experiment(str(tmp_path / "experiment.toml")), tmp_path / "pool"))
    assert isinstance(planned, Planned)
    assert len(planned.runs) + planned.remaining == 16
    table = README.split("| strategy | what is trained |")[1].split("\n\n")[0]
    specs = re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE)
    assert {STRATEGIES.check(spec).name for spec in specs} == set(STRATEGIES)


def test_the_python_example_runs(tmp_path: Path) -> None:
    probs = np.random.default_rng(0).dirichlet(np.ones(3), size=(4, 30))
    np.savez(tmp_path / "predictions.npz", log_probs=np.log(probs), labels=np.arange(30) % 3)
    for block in blocks("python"):
        result = subprocess.run(
            [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        assert result.stdout
