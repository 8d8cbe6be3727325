"""Pools of every past format open, give what they gave, and can be added to.

`past/<format>/` holds two pools that the last version of that format made, with the files that they were collected
from: `probabilities`, whose rows have groups and weights, and `labels`, of members that say labels alone. Their
selections are those that it chose.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from lrensemble.evaluate import choose, evaluate, load, stale
from lrensemble.files import OLDER
from lrensemble.pool import Pool
from lrensemble.pool.collect import collect
from lrensemble.targets import Classes

PAST = Path(__file__).parent / "past"
NAMES = ["lr 0.1", "lr 0.2", "lr 0.4", "lr 0.8"]
IDS = {
    "probabilities": ("701e04a20e05", "1047c7aff085", "ec54cfd0bdf9", "85924a7a74a1"),
    "labels": ("77fa27169c13", "b40f1472a50a", "a66a02e08256", "01e831eaf81e"),
}
FORMS = {"probabilities": "log_probs", "labels": "labels"}
TEST_ACCURACY = {
    "probabilities": {"best": 11 / 18, "brute_force": 14 / 18, "greedy(size=5)": 14 / 18},
    "labels": {"best": 11 / 18, "brute_force": 15 / 18, "greedy(size=5)": 14 / 18},
}
"""What the version that made them measured."""

every_pool = pytest.mark.parametrize("name", FORMS)
every_format = pytest.mark.parametrize("past", OLDER)


@pytest.fixture
def folder(past: int, name: str, tmp_path: Path) -> Path:
    """A copy of a past pool, with the file that it was made from beside it."""
    shutil.copy(PAST / str(past) / f"{name}.npz", tmp_path)
    return Path(shutil.copytree(PAST / str(past) / name, tmp_path / name))


def test_every_past_format_is_kept() -> None:
    assert {int(path.name) for path in PAST.iterdir()} == set(OLDER)


@every_pool
@every_format
def test_members_are_what_they_were(folder: Path, name: str) -> None:
    pool = Pool.open(folder)
    assert pool.task.target == Classes(names=("ant", "bee", "cat"))
    assert {split: split_of.size for split, split_of in pool.task.splits.items()} == {"val": 24, "test": 18}
    members = pool.members()
    assert [(member.id, member.name, member.form) for member in members] == [
        (id_of, known, FORMS[name]) for id_of, known in zip(IDS[name], NAMES, strict=True)
    ]
    with np.load(folder.with_suffix(".npz")) as given:
        arrays = dict(given)
    for prefix, split in (("", "val"), ("test_", "test")):
        assert np.array_equal(pool.truth(split), arrays[f"{prefix}labels"])
        said = [member.predictions(split) for member in members]
        if name == "labels":
            assert np.array_equal([each.main for each in said], arrays[f"{prefix}top1"])
        else:
            logits = arrays[f"{prefix}logits"].astype(np.float64)
            probs = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
            np.testing.assert_allclose([np.exp(each.main) for each in said], probs, rtol=1e-5)
    weights = arrays.get("weights", np.ones(24))
    right = np.array([each.labels() for each in (member.predictions("val") for member in members)]) == arrays["labels"]
    for member, of_member in zip(members, right, strict=True):
        assert member.scores["val"]["accuracy"] == pytest.approx(of_member @ weights / weights.sum())
    assert (pool.groups("val") is None) == (pool.weights("val") is None) == (name == "labels")


@every_pool
@every_format
def test_the_same_teams_are_chosen_and_judged(folder: Path, name: str) -> None:
    pool = Pool.open(folder)
    kept = load(pool)
    assert sorted(team.method for team in kept) == ["best", "brute_force", "greedy(size=5)"]
    assert not stale(pool)
    for team in kept:
        again = choose(pool, team.method, metric=team.metric, consensus=team.consensus, seed=team.seed)
        assert again.team == team.team
        assert again.weights == pytest.approx(team.weights, abs=1e-12)
        assert again.score == pytest.approx(team.score, abs=1e-12)
    teams = evaluate(pool, kept).teams
    assert {team.method: teams[team.method].test.accuracy for team in kept} == pytest.approx(TEST_ACCURACY[name])


@every_pool
@every_format
def test_the_same_file_adds_nothing_and_another_one_does(folder: Path, name: str, past: int, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    again = collect([folder.with_suffix(".npz")], folder)
    assert (again.added, again.skipped) == ((), IDS[name])
    with np.load(folder.with_suffix(".npz")) as given:
        arrays = dict(given)
    np.savez(tmp_path / "new.npz", **{**arrays, "names": [f"new {known}" for known in NAMES]})
    added = collect([tmp_path / "new.npz"], folder).added
    assert len(added) == len(NAMES)
    for path, content in before.items():
        assert path.read_bytes() == content, "what is there is never written again, not even in the newer format"
    formats = [json.loads((folder / "members" / each / "member.json").read_text())["format"] for each in added]
    assert min(formats) > past
    pool = Pool.open(folder)
    assert [member.id for member in pool.members()] == [*IDS[name], *added]
    old, new = (pool.members()[place] for place in (1, 1 + len(NAMES)))
    assert new.scores == old.scores
    np.testing.assert_array_equal(new.predictions("test").main, old.predictions("test").main)


@every_format
@pytest.mark.parametrize("name", ["probabilities"])
def test_what_rows_are_called_is_added(folder: Path, past: int, tmp_path: Path) -> None:
    with np.load(folder.with_suffix(".npz")) as given:
        arrays = dict(given)
    np.savez(tmp_path / "named.npz", **arrays, ids=np.arange(24) + 100)
    assert collect([tmp_path / "named.npz"], folder).added == ()
    assert json.loads((folder / "pool.json").read_text())["format"] > past
    pool = Pool.open(folder)
    assert pool.ids("val") == tuple(str(100 + row) for row in range(24))
    assert pool.ids("test") is None
    assert [member.id for member in pool.members()] == list(IDS["probabilities"])
