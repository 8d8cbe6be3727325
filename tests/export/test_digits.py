"""From training to ONNX Runtime with the commands of the README."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.command import Command

from lrensemble.config import load_experiment
from lrensemble.data import load
from lrensemble.export import Ensemble


def printed(command: Command, *arguments: str) -> Any:
    """What a command prints for programs."""
    done = command(*arguments, "--json")
    assert done.status == 0, done.err
    return done.record


SMALL = """
data = "digits"
split = {val = 0.25, test = 0.4}
model = "cnn(width=4)"
policy = ["one_cycle(peak=0.1)", "one_cycle(peak=0.2)", "composite(peak=0.1)", "composite(peak=0.2)"]
[train]
batch_size = 32
[select]
methods = ["all", "greedy(size=5, bootstrap=2)"]
"""
"""The experiment that ships, with four smaller members in the place of its sixteen, and fewer selectors."""


@pytest.mark.parametrize("small", [True, pytest.param(False, marks=pytest.mark.long)])
def test_onnx_runtime_gives_the_same_labels_on_every_test_row(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    if small:
        (tmp_path / "digits.toml").write_text(SMALL)
    result = printed(command, "run", "digits.toml" if small else "digits", "--epochs", "2")
    verdict = result["teams"][result["verdict"]["method"] or "best"]
    printed(command, "export", "runs/digits/pool", "--format", "onnx")
    printed(command, "export", "runs/digits/pool")
    experiment = load_experiment(tmp_path / "digits.toml" if small else "digits")
    dataset = load(experiment.data, experiment.split)
    rows = dataset.rows["test"]
    images, labels = dataset.raw(rows).numpy(), dataset.truth[rows].numpy()
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(tmp_path / "runs" / "digits" / "ensemble.onnx")
    (given,) = session.get_inputs()
    told = session.run(None, {given.name: images.astype(np.dtype(given.type[7:-1].replace("float", "float32")))})[0]
    expected = Ensemble.load(tmp_path / "runs" / "digits" / "ensemble").predict_proba(images)
    assert abs(told - expected).max() <= 1e-5
    np.testing.assert_array_equal(told.argmax(axis=1), expected.argmax(axis=1))
    assert (told.argmax(axis=1) == labels).mean() == verdict["test"]["accuracy"]
