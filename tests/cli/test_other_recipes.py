"""An experiment that was edited and runs in the same folder: told, and its members are told apart."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lrensemble.cli import app

EXPERIMENT = """
data = "digits"
model = "mlp(width=8, depth=1)"
policy = ["cosine(peak=0.1)", "cosine(peak=0.2)"]
[train]
epochs = {epochs}
batch_size = 256
[select]
methods = ["all"]
"""


def test_members_of_the_experiment_before_it_was_edited_are_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = []
    for epochs in (1, 2):
        Path("e.toml").write_text(EXPERIMENT.format(epochs=epochs))
        done = CliRunner().invoke(app, ["run", "e.toml", "--out", "run"])
        assert done.exit_code == 0, done.output
        said.append(" ".join(done.stderr.split()))
    assert "of other recipes" not in said[0]
    assert "2 more members of run/pool are of other recipes" in said[1]
    names = [member["name"] for member in json.loads(Path("run/result.json").read_text())["members"]]
    assert sorted(names) == [f"cosine(peak={peak}), epochs={epochs}" for peak in (0.1, 0.2) for epochs in (1, 2)]
