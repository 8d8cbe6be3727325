"""Groups and weights of rows: read from files, kept in the pool, and honoured by what is chosen from it."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from lrensemble.errors import ConfigError, LREnsembleError, PoolError, PredictionsError
from lrensemble.evaluate import validation_of
from lrensemble.pool import Pool, Task
from lrensemble.pool.collect import collect
from lrensemble.pool.collect.groups import held_out_groups, numbered

MEMBERS, VAL, TEST, CLASSES = 3, 40, 17, 4
GENERATOR = np.random.default_rng(0)
LOGITS = GENERATOR.normal(size=(MEMBERS, VAL, CLASSES))
TEST_LOGITS = GENERATOR.normal(size=(MEMBERS, TEST, CLASSES))
LABELS, TEST_LABELS = np.arange(VAL) % CLASSES, np.arange(TEST) % CLASSES
GROUPS, TEST_GROUPS = np.arange(VAL) // 4, 100 + np.arange(TEST) // 2
WEIGHTS = GENERATOR.uniform(0, 3, size=VAL)

Labels = dict[str, NDArray[np.int64]]


def write(path: Path, **changed: Any) -> Path:
    arrays = {"logits": LOGITS, "labels": LABELS, **changed}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def with_test(**changed: Any) -> dict[str, Any]:
    return {"test_logits": TEST_LOGITS, "test_labels": TEST_LABELS, **changed}


def test_arrays_of_a_file_come_back(tmp_path: Path) -> None:
    arrays = with_test(groups=GROUPS, weights=WEIGHTS, test_groups=TEST_GROUPS)
    collect([write(tmp_path / "a.npz", **arrays)], tmp_path / "pool")
    pool = Pool.open(tmp_path / "pool")
    assert np.array_equal(np.asarray(pool.groups("val")), GROUPS)
    assert np.array_equal(np.asarray(pool.groups("test")), TEST_GROUPS)
    assert np.array_equal(np.asarray(pool.weights("val")), WEIGHTS)
    assert pool.weights("test") is None
    stored = load_file(tmp_path / "pool" / "labels.safetensors")
    assert set(stored) == {"val", "test", "val_groups", "test_groups", "val_weights"}
    validation = validation_of(pool)
    np.testing.assert_allclose(validation.weights, WEIGHTS, rtol=0, atol=1e-13)
    assert np.array_equal(validation.groups, GROUPS)
    right = LOGITS.argmax(axis=2) == LABELS
    accuracies = [member.scores["val"]["accuracy"] for member in pool.members()]
    np.testing.assert_allclose(accuracies, right @ WEIGHTS / WEIGHTS.sum())


def test_names_are_numbered_over_all_splits(tmp_path: Path) -> None:
    arrays = with_test(groups=np.array(["b", "d"] * 20), test_groups=np.array(["a", *["b"] * 16]))
    pool = collect([write(tmp_path / "a.npz", **arrays)], tmp_path / "pool").pool
    assert np.asarray(pool.groups("val"))[:3].tolist() == [1, 2, 1]
    assert np.asarray(pool.groups("test"))[:3].tolist() == [0, 1, 1]
    assert numbered({"val": np.array([2**63 + 1, 5], dtype=np.uint64)})["val"].tolist() == [1, 0]


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors"])
def test_groups_in_a_file_of_their_own(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"patients{suffix}"
    if suffix == ".npy":
        np.save(path, GROUPS)
    elif suffix == ".npz":
        np.savez(path, groups=GROUPS, test_groups=TEST_GROUPS)
    else:
        save_file({"groups": GROUPS, "test_groups": TEST_GROUPS}, path)
    pool = collect([write(tmp_path / "a.npz", **with_test())], tmp_path / "pool", groups=path).pool
    assert np.array_equal(np.asarray(pool.groups("val")), GROUPS)
    assert (pool.groups("test") is None) == (suffix == ".npy")


def test_a_folder_with_groups_once(tmp_path: Path) -> None:
    folder = tmp_path / "members"
    folder.mkdir()
    for name, array in (("labels", LABELS), ("groups", GROUPS), ("weights", WEIGHTS)):
        np.save(folder / f"{name}.npy", array)
    for member in range(MEMBERS):
        np.savez(folder / f"m{member}.npz", logits=LOGITS[member])
    pool = collect([folder], tmp_path / "pool").pool
    assert len(pool.members()) == MEMBERS
    assert np.array_equal(np.asarray(pool.groups("val")), GROUPS)
    assert np.array_equal(np.asarray(pool.weights("val")), WEIGHTS)


def test_a_holdout_never_divides_a_group(tmp_path: Path) -> None:
    groups = GENERATOR.permutation(GROUPS)
    file = write(tmp_path / "a.npz", groups=groups, weights=WEIGHTS)
    pool = collect([file], tmp_path / "pool", holdout=0.3, seed=2).pool
    val, test = (np.asarray(pool.groups(split)) for split in ("val", "test"))
    assert not set(val.tolist()) & set(test.tolist())
    assert sorted([*val, *test]) == sorted(groups)
    assert 8 <= len(test) <= 16, "about 12 of 40"
    assert sorted([*np.asarray(pool.weights("val")), *np.asarray(pool.weights("test"))]) == sorted(WEIGHTS)


def test_held_out_groups_follow_the_classes() -> None:
    labels = np.repeat(np.tile([0, 1, 2], 20), 4)
    held_out = held_out_groups(labels, np.repeat(np.arange(60), 4), 0.25, np.random.default_rng(1))
    assert np.bincount(labels[held_out]).tolist() == [20, 20, 20]


def test_row_attributes_are_added_to_a_pool_that_has_none_and_never_changed(tmp_path: Path) -> None:
    plain, marked = write(tmp_path / "a.npz"), write(tmp_path / "b.npz", groups=GROUPS, weights=WEIGHTS)
    collect([plain], tmp_path / "pool")
    assert Pool.open(tmp_path / "pool").groups("val") is None
    again = collect([marked], tmp_path / "pool")
    assert len(again.pool.members()) == 2 * MEMBERS, "named after their file"
    assert np.array_equal(np.asarray(Pool.open(tmp_path / "pool").groups("val")), GROUPS)
    collect([plain], tmp_path / "pool")
    assert np.array_equal(np.asarray(Pool.open(tmp_path / "pool").weights("val")), WEIGHTS)
    other = write(tmp_path / "c.npz", groups=GROUPS[::-1])
    with pytest.raises(PoolError, match="holds a pool for another task; given: other val groups; use another folder"):
        collect([other], tmp_path / "pool")


def test_a_pool_without_row_attributes_is_written_as_ever(tmp_path: Path, task: Task, labels: Labels) -> None:
    pool = Pool.create(tmp_path / "p", task, labels)
    split = json.loads((pool.folder / "pool.json").read_text())["task"]["splits"]["val"]
    assert set(split) == {"size", "rows", "labels"}
    assert set(load_file(pool.folder / "labels.safetensors")) == {"val", "test"}
    assert (pool.groups("val"), pool.weights("test")) == (None, None)
    with pytest.raises(PoolError, match="no split 'train'"):
        pool.groups("train")


def test_row_attributes_of_another_task_are_refused(tmp_path: Path, rows: Labels, labels: Labels) -> None:
    groups = {"val": np.arange(7) // 2}
    task = Task.of("t", "abc", rows=rows, labels=labels, groups=groups)
    with pytest.raises(PredictionsError, match="the val groups are not those that the task was made of"):
        Pool.create(tmp_path / "p", task, labels)
    pool = Pool.create(tmp_path / "p", task, labels, groups=groups)
    other = Pool.create(
        tmp_path / "o",
        Task.of("t", "abc", rows=rows, labels=labels, groups={"val": np.arange(7)}),
        labels,
        groups={"val": np.arange(7)},
    )
    shutil.copy(other.folder / "labels.safetensors", pool.folder / "labels.safetensors")
    assert pool.truth("val").tolist() == labels["val"].tolist()
    with pytest.raises(PoolError, match=r"its val groups are not those that pool\.json was made with"):
        pool.groups("val")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"groups": GROUPS[:5]}, r"a\.npz: groups have shape \(5,\); there are 40 rows, so give \[40\]"),
        ({"groups": WEIGHTS}, r"a\.npz: groups are float64; give integers or strings"),
        ({"weights": -WEIGHTS}, r"a\.npz: weights: -\d.* in row 0 is refused; give finite numbers, not negative"),
        ({"weights": np.zeros(VAL)}, r"a\.npz: weights of all 40 rows are zero; at least one row must count"),
        ({"weights": np.ones((VAL, 1))}, r"a\.npz: weights are float64 of shape \(40, 1\); give one number for each"),
        ({"test_groups": TEST_GROUPS}, r"a\.npz: test_groups are given without test_labels; give the labels of"),
    ],
)
def test_row_attributes_that_do_not_fit_are_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(PredictionsError, match=message):
        collect([write(tmp_path / "a.npz", **changed)], tmp_path / "pool")
    assert not (tmp_path / "pool").exists()


def refusal(tmp_path: Path, files: list[Path], **options: Any) -> str:
    with pytest.raises(LREnsembleError) as caught:
        collect(files, tmp_path / "pool", **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_that_disagree_and_groups_given_twice(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a.npz", groups=GROUPS), write(tmp_path / "b.npz", groups=GROUPS + 1)
    assert "have other groups; members of a pool share theirs" in refusal(tmp_path, [one, other])
    np.save(tmp_path / "g.npy", GROUPS)
    said = refusal(tmp_path, [one], groups=tmp_path / "g.npy")
    assert said == f"the files bring their own groups; leave {tmp_path / 'g.npy'} away"
    np.savez(tmp_path / "empty.npz", patients=GROUPS)
    said = refusal(tmp_path, [write(tmp_path / "c.npz")], groups=tmp_path / "empty.npz")
    assert said == f"{tmp_path / 'empty.npz'} holds no array `groups`; give one with the group of each row"
    np.save(tmp_path / "one.npy", np.zeros(VAL, dtype=int))
    with pytest.raises(ConfigError, match=r"holdout = 0\.5 leaves no val or no test rows of 40"):
        collect([tmp_path / "c.npz"], tmp_path / "pool", groups=tmp_path / "one.npy", holdout=0.5)


def test_files_of_which_one_has_groups(tmp_path: Path) -> None:
    files = [write(tmp_path / "a.npz"), write(tmp_path / "b.npz", groups=GROUPS)]
    assert np.array_equal(np.asarray(collect(files, tmp_path / "pool").pool.groups("val")), GROUPS)
