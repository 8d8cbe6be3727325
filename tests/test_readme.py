"""What the README says is so: it is short, its experiment loads, its Python runs as printed."""

import re
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import Python

from lrensemble.config import load_experiment
from lrensemble.export import Ensemble
from lrensemble.pool import Pool

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def block(language: str) -> str:
    """The only block of a language."""
    (found,) = [text for name, text in FENCES if name == language]
    return str(found)


def tiny_images(path: Path) -> None:
    """100 images to train on and 20 to test, of two classes that differ in brightness."""
    generator = np.random.default_rng(0)
    labels = np.arange(120) % 2
    images = generator.integers(0, 120, size=(120, 1, 8, 9), dtype=np.uint8) + 120 * labels.reshape(-1, 1, 1, 1)
    images = images.astype(np.uint8)
    np.savez(path, x=images[:100], y=labels[:100], x_test=images[100:], y_test=labels[100:])


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_the_experiment_is_a_grid_of_eight_policies(tmp_path: Path) -> None:
    (tmp_path / "experiment.toml").write_text(block("toml"), encoding="utf-8")
    assert len(load_experiment(str(tmp_path / "experiment.toml")).policy) == 8


def test_the_whole_chain_is_nine_lines_that_run(tmp_path: Path, python: Python) -> None:
    pytest.importorskip("plotly")
    tiny_images(tmp_path / "my-data.npz")
    experiment = block("toml").replace("epochs = 10", "epochs = 1")
    (tmp_path / "experiment.toml").write_text(experiment, encoding="utf-8")
    program = block("python")
    assert len(program.strip().replace("\n\n", "\n").splitlines()) == 9
    result = python("-W", "error", "-c", program, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    verdict, labels = result.stdout.splitlines()
    assert "best single model" in verdict
    assert re.fullmatch(r"\[(?:[01] ?){20}\]", labels)
    assert len(Pool.open(tmp_path / "pool").members()) == 8
    assert (tmp_path / "report.html").is_file()
    assert Ensemble.load(tmp_path / "ensemble").description.classes == ("0", "1")
