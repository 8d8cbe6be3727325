"""`[sweep]` on the command line: every strategy through the whole chain, names that say what varies, bad input."""

import json
from pathlib import Path

import pytest
from tests.cli.command import Command

TOML = """
data = "digits"
model = "mlp(width=7)"
[split]
val = 0.2
test = 0.35
[train]
batch_size = 100
optimizer = "adamw"
[[policy]]
name = "cosine"
peak = 0.02
[select]
methods = ["best", "all"]
[sweep]
strategy = "STRATEGY"
epochs = 12
"""
SPACE = '[sweep.space]\ntrain.weight_decay = "log_uniform(low=1e-4, high=1e-2)"\n'
SMALL = "[sweep.space]\ntrain.weight_decay = [0.0, 0.1]\nmodel.width = [6, 7]\n"


@pytest.mark.parametrize(
    ("strategy", "space", "last"),
    [
        ("grid", SMALL, "[4/4] cosine(peak=0.02), weight_decay=0.1, model.width=7: val accuracy "),
        ("random(trials=3)", SPACE, "[3/3] cosine(peak=0.02), weight_decay=0.00"),
        ("seeds(count=4)", "", "[4/4] cosine(peak=0.02), seed=3743244234: val accuracy "),
        ("snapshots(cycles=3)", "", "[3/3] repeat(policy=cosine(peak=0.02), times=3): val accuracy "),
        ("fast_geometric(members=2)", "", "[2/2] join(pieces=[cosine(peak=0.02), triangular(peak=0.05"),
        ("optuna(trials=3)", SPACE, "[3/3] cosine(peak=0.02), weight_decay=0.00"),
    ],
)
def test_every_strategy_goes_through_the_whole_chain(
    command: Command, tmp_path: Path, strategy: str, space: str, last: str
) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(TOML.replace("STRATEGY", strategy) + space, encoding="utf-8")
    status, out, err = command("run", path, "--out", tmp_path / "out")
    assert status == 0, err
    lines = [line for line in err.splitlines() if line.startswith("[")]
    assert lines[-1].startswith(last)
    count = len(lines)
    assert f"{count} members in {tmp_path / 'out' / 'pool'}: {count} trained" in err
    assert ("\nseeds " in out) == (strategy == "seeds(count=4)"), "the deep ensemble stands among the baselines"
    again = command("tune", path, "--out", tmp_path / "out" / "pool")
    assert again.err.splitlines() == [f"{count} members in {tmp_path / 'out' / 'pool'}: {count} there already"]


def test_hours_that_do_not_suffice_end_with_a_status_of_their_own(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(TOML.replace("STRATEGY", "grid") + SMALL, encoding="utf-8")
    told = "the time is over (1e-09 hours), runs missing: 4; what was begun is saved, and the same command goes on"
    status, _, err = command("run", path, "--out", tmp_path / "out", "--hours", "1e-9")
    assert (status, err.splitlines()[-2:]) == (124, [told, "no run has finished yet: there is nothing to choose from"])
    assert f"0 members in {tmp_path / 'out' / 'pool'}" in err.splitlines()
    status, out, _ = command("tune", path, "--out", tmp_path / "out" / "pool", "--hours", "1e-9", "--json")
    assert (status, json.loads(out)["missing"]) == (124, 4)
    one = tmp_path / "one.toml"
    one.write_text(TOML.replace("STRATEGY", "grid").replace("epochs = 12", "epochs = 3"), encoding="utf-8")
    assert command("tune", one, "--out", tmp_path / "out" / "pool").status == 0
    status, out, err = command("run", path, "--out", tmp_path / "out", "--hours", "1e-9")
    assert (status, told in err.splitlines(), (tmp_path / "out" / "result.json").exists()) == (124, True, True)
    assert command("tune", path, "--out", tmp_path / "out" / "pool", "--hours", "0").status == 2


def test_pruned_trials_are_counted_and_listed(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    strategy = "optuna(trials=6, pruner=successive_halving(min_resource=1, reduction_factor=3), seed=1)"
    space = '[sweep.space]\ntrain.weight_decay = "log_uniform(low=1e-4, high=10)"\n'
    path.write_text(TOML.replace("STRATEGY", strategy) + space, encoding="utf-8")
    status, _, err = command("tune", path, "--out", tmp_path / "pool")
    assert status == 0
    pruned = sum(line.endswith(": pruned") for line in err.splitlines())
    assert pruned > 0
    assert err.splitlines()[-1] == f"6 members in {tmp_path / 'pool'}: {6 - pruned} trained, {pruned} pruned"
    members = command("ls", tmp_path / "pool", "--json").record
    assert isinstance(members, list)
    assert sum(member["status"] == "pruned" for member in members) == pruned


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs = 12", "epochs = 13", "sweep.epochs: 13 cannot be divided evenly among 4 runs; give 12 or 16"),
        ("[0.0, 0.1]", "[]", ": sweep.space.train.weight_decay: [] is refused: give a list with at least one value"),
        ("[0.0, 0.1]", "[0.0, -0.1]", ": sweep.space.train.weight_decay: Input should be greater than or equal to 0"),
        ("train.weight_decay", "train.wait_decay", ": sweep.space.train.wait_decay: no such key; did you mean"),
        ("[6, 7]", '"uniform(low=7, high=6)"', "sweep.space.model.width: low = 7 and high = 6 contradict each other"),
        ("[sweep.space]", "[sweep.when.linear]", "sweep.when.linear: the experiment has no such policy"),
    ],
)
def test_a_space_that_contradicts_itself_is_told_in_one_line(
    command: Command, tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = TOML.replace("STRATEGY", "grid") + SMALL
    assert old in text
    path = tmp_path / "experiment.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    status, _, err = command("tune", path, "--out", tmp_path / "pool")
    assert status == 2
    assert message in " ".join(err.split())
    assert err.count("\n") == 1
    assert not (tmp_path / "pool").exists()


def test_epochs_of_each_run_contradict_those_of_all(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(TOML.replace("STRATEGY", "grid"), encoding="utf-8")
    status, _, err = command("tune", path, "--epochs", 3, "--out", tmp_path / "pool")
    assert (status, err.count("\n")) == (2, 1)
    assert "sweep.epochs: train.epochs is given as well; state the epochs of all runs, or of each" in err
