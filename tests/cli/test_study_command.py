"""`lrensemble study` and `lrensemble.study`: pools trained, compared and written down, killed and gone on with."""

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import Command
from tests.conftest import Python
from tests.forked import ForkedProcess

import lrensemble
from lrensemble.config.study_file import load_study
from lrensemble.evaluate.study import comparison
from lrensemble.pool import Pool

TOML = """
experiment = "e.toml"
replicates = 2
scaling.draws = 2
select.methods = ["best", "greedy(size=4, bootstrap=0)"]
[budget]
epochs = 6
[pools.each]
[pools.seeds]
policy = ["one_cycle(peak=0.4)"]
sweep.strategy = "seeds(count=3)"
[pools.part]
from = "seeds"
members = "seeds"
[pools.cycles]
policy = ["cosine(peak=0.2)"]
train.epochs = 6
sweep.strategy = "snapshots(cycles=3)"
"""

ONCE = TOML.replace("replicates = 2", "replicates = 1")
"""The same at half the cost: for what has nothing to do with how often pools are trained."""

CLOSE = """
[pools.close]
policy = ["cosine(peak=0.02)"]
train.epochs = 6
sweep.strategy = 'snapshots(cycles=2)'
"""

SEARCH = """
[pools.search]
sweep.strategy = "optuna(trials=3)"
[pools.best_of]
from = "search"
members = "seeds"
"""

EXPERIMENT = """
data = "digits"
model = "mlp(width=8)"
policy = ["constant(peak=0.1)", "one_cycle(peak=0.4)", "cosine(peak=0.2)"]
[train]
epochs = 2
batch_size = 50
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "a study"
    folder.mkdir()
    (folder / "e.toml").write_text(EXPERIMENT)
    (folder / "tiny.toml").write_text(TOML)
    return folder / "tiny.toml"


@pytest.fixture
def small_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Teams are chosen by a search of few steps; the first test has the default."""
    monkeypatch.setattr(comparison, "METHOD", "greedy(size=4, bootstrap=0)")


def test_one_command_from_a_study_to_its_claim(command: Command, study: Path, tmp_path: Path) -> None:
    out = tmp_path / "the out"
    status, answer, err = command("study", study, "--out", out, "--json")
    assert status == 0, err
    written = json.loads((out / "study.json").read_text())
    assert len(written.pop("checksum")) == 64
    assert written == json.loads(answer)
    assert [len(own) for own in written["pools"].values()] == [2, 2, 2, 2]
    assert (written["reference"], written["method"]) == ("each", "greedy")
    assert list(written["pools"]) == ["each", "seeds", "part", "cycles"]
    assert "pool 1 of 6: each, seed 0" in err
    assert "pool 6 of 6: cycles, seed 1000" in err
    assert "<html" in (out / "study.html").read_text()
    costs = {name: [one["cost"]["samples"] for one in own] for name, own in written["pools"].items()}
    assert set(map(tuple, costs.values())) == {tuple(costs["each"])}, "all have cost the same, the part its whole"

    again = command("study", study, "--out", out)
    assert again.status == 0
    assert written["claim"].split(".")[0][:40] in " ".join(again.out.split())
    assert f"{out}/study.json holds all of this and more" in again.err
    assert "val accuracy" not in again.err, "nothing is trained again"
    assert max(map(len, again.out.splitlines())) <= 80


@pytest.mark.usefixtures("small_search")
def test_soups_are_made_where_networks_are_connected(command: Command, study: Path, tmp_path: Path) -> None:
    study.write_text(ONCE + CLOSE)
    outcome = command("study", study, "--out", tmp_path / "out", "--json")
    soups = {(each["pool"], each["replicate"]): each for each in json.loads(outcome.out)["soups"]}
    assert len(soups) == 5
    made = [each for each in soups.values() if each["ingredients"]]
    assert {each["pool"] for each in made} <= {"cycles", "close", "part", "each", "seeds"}
    assert all(not each["reason"] and 0 < each["scores"]["accuracy"] <= 1 for each in made)
    assert all(each["reason"] for each in soups.values() if not each["ingredients"])
    assert [each for each in made if each["pool"] in ("cycles", "close")], "members of one run are connected"


@pytest.mark.usefixtures("small_search")
def test_the_front_door_does_the_same(study: Path, tmp_path: Path) -> None:
    study.write_text(ONCE.split("[pools.part]")[0])
    found = lrensemble.study(study, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "study.json").read_text())["claim"] == found.claim
    again = lrensemble.study(str(study), str(tmp_path / "out"))
    assert again.pools["each"][0].team == found.pools["each"][0].team
    assert again.looks == {name: count + 1 for name, count in found.looks.items()}
    differences = [each for own in found.over_reference.values() for each in own.values()]
    assert differences
    assert all(each.replicates is None for each in differences), "one replicate has no interval over replicates"


def test_a_mistake_is_told_in_one_line(command: Command, study: Path, tmp_path: Path) -> None:
    study.write_text(TOML.replace("epochs = 6\n[pools.each]", "epochs = 7\n[pools.each]"))
    status, out, err = command("study", study, "--out", tmp_path / "out")
    assert (status, out) == (2, "")
    assert "pools.each: 3 members take 6 epochs in all, and the budget is 7" in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [pytest.param(signal.SIGKILL, marks=pytest.mark.long), signal.SIGTERM])
def test_killed_and_gone_on_with(
    study: Path, tmp_path: Path, number: signal.Signals, python: Python, forking: Path
) -> None:
    study.write_text(ONCE.split("[pools.cycles]")[0])
    arguments = ["-m", "lrensemble", "study", study.name, "--out", tmp_path / "out"]
    assert python(*arguments[:-1], tmp_path / "whole", folder=study.parent).returncode == 0
    second = tmp_path / "out" / "pools" / "seeds" / "0" / "unfinished"
    with ForkedProcess(forking, arguments, errors=True, folder=study.parent) as process:
        while not second.exists() or not list(second.iterdir()):
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    if number == signal.SIGTERM:
        assert err.splitlines()[-1] == "interrupted; the same command continues where it stopped"
    assert python(*arguments, folder=study.parent).returncode == 0
    for name in ("each", "seeds", "part"):
        one, other = (Pool.open(tmp_path / place / "pools" / name / "0") for place in ("whole", "out"))
        assert [member.id for member in one.members()] == [member.id for member in other.members()]
        for mine, theirs in zip(one.members(), other.members(), strict=True):
            np.testing.assert_array_equal(mine.predictions("test").main, theirs.predictions("test").main)
    found = [json.loads((tmp_path / place / "study.json").read_text())["claim"] for place in ("whole", "out")]
    assert found[0] == found[1]


def test_a_pool_that_needs_what_is_not_installed_is_left_out(study: Path, tmp_path: Path, python: Python) -> None:
    study.write_text(ONCE.split("[pools.part]")[0] + SEARCH)
    script = (
        "import sys; sys.modules['optuna'] = None\n"
        "import lrensemble, logging; logging.basicConfig()\n"
        f"print(list(lrensemble.study({str(study)!r}, {str(tmp_path / 'out')!r}).pools))"
    )
    found = python("-c", script)
    assert found.stdout.strip() == "['each', 'seeds']"
    assert "pool search is left out: " in found.stderr
    assert "lrensemble[search]" in found.stderr
    assert load_study(study).trained == ("each", "seeds", "search")
