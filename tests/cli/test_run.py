"""The whole chain in one command, and every mistake that an experiment can hold."""

import json
import os
import shlex
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from tests import forked
from tests.cli.command import Command
from tests.conftest import Python
from tests.forked_workers import FORKED_WORKERS

TOML = """
[data]
name = "npz"
file = "toy.npz"
[model]
name = "mlp"
width = 8
[[policy]]
name = "multi_step"
peak = [0.05, 0.2]
milestones = [0.5, 0.75]
[[policy]]
name = "one_cycle"
peak = 0.1
[train]
epochs = 3
batch_size = 16
[select]
methods = ["best", "greedy(size=4, bootstrap=2)", "brute_force"]
"""

MLP = 'name = "mlp"\nwidth = 8'
UNHURRIED = 'name = "tests.cli.unhurried:unhurried"'
COMMAND = f"{FORKED_WORKERS}from lrensemble.cli import main\nmain()\n"


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """A task of three overlapping clouds of points."""
    generator = np.random.default_rng(0)
    labels = np.arange(180) % 3
    inputs = generator.normal(size=(180, 5)) + 1.5 * np.eye(3, 5)[labels]
    np.savez(tmp_path / "toy.npz", x=inputs.astype(np.float32), y=labels)
    (tmp_path / "toy.toml").write_text(TOML)
    return tmp_path / "toy.toml"


def run(command: Command, experiment: Path, out: Path, *more: object) -> tuple[int, str, str]:
    return command("run", experiment, "--data", experiment.parent, "--out", out, *more)


def test_the_command_that_ships_names_the_code_that_it_needs(
    command: Command, python: Python, experiment: Path, tmp_path: Path
) -> None:
    own = TOML.replace(MLP, 'name = "tests.train.own_models:Plain"').replace("epochs = 3", "epochs = 1")
    experiment.write_text(own)
    status, _, err = run(command, experiment, tmp_path / "out")
    assert status == 0, err
    (line,) = [each for each in err.splitlines() if each.startswith("to ship ")]
    program, *given = shlex.split(line.partition(": ")[2])
    assert (program, given[-2:]) == ("lrensemble", ["--plugin", "tests.train.own_models"])
    refused = python("-m", "lrensemble", *given[:-2])
    assert refused.returncode == 2, "the pool alone makes nobody import it"
    shipped = python("-m", "lrensemble", *given)
    assert shipped.returncode == 0, shipped.stderr


def test_one_command_from_an_experiment_to_a_verdict(command: Command, experiment: Path, tmp_path: Path) -> None:
    status, out, err = run(command, experiment, tmp_path / "out", "--json")
    assert status == 0, err
    result = json.loads(out)
    written = json.loads((tmp_path / "out" / "result.json").read_text())
    assert len(written.pop("checksum")) == 64
    assert written == result
    assert [member["status"] for member in result["members"]] == ["finished"] * 3
    assert result["members"][2]["policy"] == "one_cycle(peak=0.1)"
    assert set(result["teams"]) == {"best", "all", "top_k", "greedy(size=4, bootstrap=2)", "brute_force"}
    for team in result["teams"].values():
        assert set(team["gain"]) == {"accuracy", "nll"}
        assert team["cost"]["parameters"] > 0
    assert set(result["seconds"]) == {"training", "selection", "evaluation"}
    assert result["environment"]["torch"]


def test_a_report_that_cannot_be_written_costs_no_verdict(command: Command, experiment: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "report.html" / "in-the-way").mkdir(parents=True)
    status, out, err = run(command, experiment, tmp_path / "out")
    assert status == 0, err
    assert "best single" in out
    assert "no report: cannot write" in err
    assert f"lrensemblereport{tmp_path}/out/poolwritesit" in "".join(err.split()), "whatever the width"


def test_a_second_run_trains_nothing_again(command: Command, experiment: Path, tmp_path: Path) -> None:
    _, first, _ = run(command, experiment, tmp_path / "out", "--json")
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "pool" / "members").rglob("*")}
    status, second, err = run(command, experiment, tmp_path / "out", "--json")
    assert status == 0
    assert "3 there already" in err
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "pool" / "members").rglob("*")} == files
    a, b = json.loads(first), json.loads(second)
    for result in (a, b):
        del result["seconds"]
    assert a == b


def test_tune_then_select_then_evaluate_is_the_same_chain(command: Command, experiment: Path, tmp_path: Path) -> None:
    pool = tmp_path / "pool"
    assert command("tune", experiment, "--data", experiment.parent, "--out", pool).status == 0
    assert command("select", pool, "-m", "brute_force").status == 0
    chain = json.loads(command("evaluate", pool, "--json").out)
    _, out, _ = run(command, experiment, tmp_path / "out", "--json")
    assert chain["teams"]["brute_force"]["test"] == json.loads(out)["teams"]["brute_force"]["test"]


def test_more_epochs_are_other_members(command: Command, experiment: Path, tmp_path: Path) -> None:
    for epochs in (1, 2):
        command("tune", experiment, "--data", experiment.parent, "--out", tmp_path / "pool", "--epochs", epochs)
    members = json.loads(command("ls", tmp_path / "pool", "--json").out)
    assert sorted(member["recipe"]["train"]["epochs"] for member in members) == [1, 1, 1, 2, 2, 2]


def test_a_member_that_diverges_is_told_and_stays_out(command: Command, experiment: Path, tmp_path: Path) -> None:
    experiment.write_text(TOML.replace("[0.05, 0.2]", "[0.05, 1e12]"))
    status, out, err = run(command, experiment, tmp_path / "out", "--json")
    assert status == 0
    assert "1 diverged" in err
    result = json.loads(out)
    assert [member["status"] for member in result["members"]] == ["finished", "diverged", "finished"]
    assert result["members"][1]["test"] is None
    assert result["teams"]["all"]["team"] == [0, 2]
    assert "diverged" in command("ls", tmp_path / "out" / "pool").out


MODEL = """
import torch
from torch import nn

def shaky(shape, classes, *, fail=True):
    class Shaky(nn.Linear):
        def forward(self, x):
            if fail and torch.initial_seed() % 2 is not None and x.shape[0] == 16 and self.weight.abs().max() > 0.9:
                raise RuntimeError("the model's own mistake")
            return super().forward(x)
    return Shaky(shape[0], classes)
"""


def test_a_model_that_fails_leaves_the_others_and_exit_status_1(
    command: Command, experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shaky_model.py").write_text(MODEL)
    monkeypatch.syspath_prepend(tmp_path)
    text = TOML.replace('name = "mlp"\nwidth = 8', 'name = "shaky_model:shaky"').replace("[0.05, 0.2]", "[0.001, 5.0]")
    experiment.write_text(text)
    status, _, err = run(command, experiment, tmp_path / "out")
    assert status == 1, err
    assert "failed: RuntimeError: the model's own mistake" in err
    assert "failed/" in err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"one_cycle"', '"one_cycel"', "no policy named 'one_cycel'; did you mean 'one_cycle'?"),
        ('"mlp"', '"mpl"', "no model named 'mpl'; did you mean 'mlp'?"),
        ("width = 8", "widht = 8", "has no argument 'widht'; did you mean 'width'?"),
        ('"npz"', '"npx"', "no data set named 'npx'; did you mean 'npz'?"),
        ('"brute_force"]', '"brute_farce"]', "no selector named 'brute_farce'; did you mean 'brute_force'?"),
        ("[select]", "[select]\nmetric = 'nil'", "no metric named 'nil'; did you mean 'nll'?"),
        ("[select]", "[select]\nconsensus = 'maen'", "no consensus named 'maen'; did you mean 'mean'?"),
        ("epochs = 3", "epoch = 3", "train.epoch: no such key; did you mean 'epochs'?"),
        ("[train]", "[trian]", "trian: no such key; did you mean 'train'?"),
        ("peak = 0.1", "peak = -0.1", "peak = -0.1 is refused"),
        ("[0.5, 0.75]", "[0.75, 0.5]", "milestones = [0.75, 0.5] is refused"),
        ("batch_size = 16", "batch_size = 1600", "batch_size = 1600"),
        ("epochs = 3", 'epochs = 3\noptimizer = "adan"', "adan"),
        ("epochs = 3", 'epochs = 3\nprecision = "float8"', "train.precision"),
        ('"toy.npz"', '"tay.npz"', "tay.npz is missing"),
        ('"mlp"\nwidth = 8', '"cnn"', "needs images"),
        ("[data]", "[data", "not valid TOML"),
    ],
)
def test_a_mistake_is_told_in_one_line_before_any_training(
    command: Command, experiment: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in TOML
    experiment.write_text(TOML.replace(old, new))
    status, out, err = run(command, experiment, tmp_path / "out")
    assert status == 2, err
    assert message in err
    assert err.count("\n") == 1, err
    assert out == ""
    assert not list((tmp_path / "out").rglob("member.json"))


def test_an_empty_pool_and_a_place_that_cannot_be_written(command: Command, experiment: Path, tmp_path: Path) -> None:
    experiment.write_text(TOML.replace("[0.05, 0.2]", "[1e12, 1e13]").replace("peak = 0.1", "peak = 1e14"))
    status, _, err = run(command, experiment, tmp_path / "out")
    assert status == 2
    assert "has no finished member to choose from" in err.splitlines()[-1]
    (tmp_path / "file").write_text("in the way")
    status, _, err = run(command, experiment, tmp_path / "file" / "out")
    assert status == 2
    assert "is no folder" in err
    assert err.count("\n") == 1


FULL_DISK = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
from lrensemble.cli import main
main()
"""


def test_a_full_disk_is_told_in_one_line_and_loses_nothing(experiment: Path, forking: Path, tmp_path: Path) -> None:
    """A limit on the size of files makes the operating system refuse the write, as a full disk does."""
    arguments = ("tune", experiment, "--data", experiment.parent, "--out", tmp_path / "pool")
    with forked.ForkedProcess(forking, ["-c", FULL_DISK, *arguments], errors=True) as full:
        _, err = full.communicate()
    assert full.returncode == 2
    assert "File too large" in err.splitlines()[-1]
    again = forked.run(forking, arguments, tmp_path, os.environ)
    assert again.returncode == 0, again.stderr
    assert "3 trained" in again.stderr


def test_ctrl_c_saves_and_the_same_command_resumes(experiment: Path, forking: Path, tmp_path: Path) -> None:
    experiment.write_text(TOML.replace("epochs = 3", "epochs = 4000").replace(MLP, UNHURRIED))
    arguments = ("tune", experiment, "--data", experiment.parent, "--out", tmp_path / "pool", "--save-steps", 1)
    with forked.ForkedProcess(forking, ["-c", COMMAND, *arguments], errors=True) as process:
        states = tmp_path / "pool" / "unfinished"  # what is under way comes and goes, which os.walk does not mind
        while not any(name.endswith(".safetensors") for _, _, names in os.walk(states) for name in names):
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "interrupted; the same command continues where it stopped"
