"""A pool has `val` and any number of test sets, by prefix in one file or from files of their own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.members import stacked

from lrensemble.errors import ConfigError, LREnsembleError, PoolError
from lrensemble.pool import Pool, Task
from lrensemble.pool.collect import collect
from lrensemble.pool.collect.names import placed, prefix

MEMBERS, CLASSES = 3, 4
SIZES = {"val": 20, "test": 11, "test:v2": 9, "test:far_off": 7}
GENERATOR = np.random.default_rng(2)
PROBS = {split: GENERATOR.dirichlet(np.ones(CLASSES), size=(MEMBERS, size)) for split, size in SIZES.items()}
LABELS = {split: np.arange(size) % CLASSES for split, size in SIZES.items()}
NAMES = ["lr 0.1", "lr 0.2", "lr 0.4"]


def write(path: Path, *splits: str, as_split: str | None = None, **more: Any) -> Path:
    """A file of these splits, under their own prefixes or that of another one."""
    given: dict[str, Any] = {}
    for split in splits:
        start = prefix(as_split or split)
        given |= {f"{start}probs": PROBS[split], f"{start}labels": LABELS[split]}
    np.savez(path, **{name: array for name, array in {**given, **more}.items() if array is not None})
    return path


def same(pool: Pool) -> None:
    for split, probs in PROBS.items():
        np.testing.assert_allclose(np.exp(stacked(pool, split)), probs, rtol=1e-6)
        assert np.array_equal(pool.truth(split), LABELS[split])


def test_test_sets_by_prefix(tmp_path: Path) -> None:
    groups = np.arange(SIZES["test:v2"]) // 2
    file = write(tmp_path / "a.npz", "test:v2", "test:far_off", "test", "val", test_v2_groups=groups)
    pool = collect([file], tmp_path / "pool").pool
    assert list(pool.task.splits) == ["val", "test", "test:v2", "test:far_off"]
    assert pool.task.test_sets == ("test", "test:v2", "test:far_off")
    same(pool)
    assert np.array_equal(np.asarray(pool.groups("test:v2")), groups)
    assert pool.groups("test:far_off") is None
    assert set(load_file(pool.folder / "labels.safetensors")) == {*SIZES, "test:v2/groups"}
    assert collect([file], tmp_path / "pool").added == ()
    assert list(Pool.open(tmp_path / "pool").task.splits) == list(pool.task.splits)


@pytest.mark.parametrize("names", [NAMES, None], ids=["named", "unnamed"])
def test_test_sets_in_files_of_their_own(tmp_path: Path, names: list[str] | None) -> None:
    file = write(tmp_path / "a.npz", "val", "test", names=names)
    tests = {
        name: write(tmp_path / f"{name}.npz", f"test:{name}", as_split="val", names=names) for name in ("v2", "far_off")
    }
    pool = collect([file], tmp_path / "pool", tests={"v2": str(tests["v2"]), "far_off": [tests["far_off"]]}).pool
    assert list(pool.task.splits) == list(SIZES)
    same(pool)


def test_members_of_a_test_set_are_found_by_name_and_rows_by_id(tmp_path: Path) -> None:
    names = ["lr 0.4", "lr 0.1", "lr 0.2"]  # the files of a folder come in the order of their names
    file = write(tmp_path / "a.npz", "val", "test", names=names)
    ids = np.arange(SIZES["test:v2"])
    folder = tmp_path / "v2"
    folder.mkdir()
    for place, name in enumerate(names):
        rows = np.roll(ids, place)
        arrays = {"probs": PROBS["test:v2"][place, rows], "labels": LABELS["test:v2"][rows], "ids": rows}
        np.savez(folder / f"{name}.npz", **arrays)
    pool = collect([file], tmp_path / "pool", tests={"v2": folder}).pool
    rows = np.roll(ids, 1)  # the order of the first file of the folder, lr 0.1
    assert pool.ids("test:v2") == tuple(map(str, rows))
    np.testing.assert_allclose(np.exp(stacked(pool, "test:v2")), PROBS["test:v2"][:, rows], rtol=1e-6)
    again = collect([file], tmp_path / "pool", tests={"v2": folder})
    assert again.added == ()


def test_a_holdout_beside_a_test_set_and_a_test_set_alone(tmp_path: Path) -> None:
    file, other = write(tmp_path / "a.npz", "val"), write(tmp_path / "v2.npz", "test:v2", as_split="val")
    pool = collect([file], tmp_path / "pool", tests={"v2": other}, holdout=0.4).pool
    assert {split: each.size for split, each in pool.task.splits.items()} == {"val": 12, "test": 8, "test:v2": 9}
    alone = collect([file], tmp_path / "alone", tests={"v2": other}).pool
    assert alone.task.test_sets == ("test:v2",)
    plain = collect([file], tmp_path / "plain", tests={"test": other}).pool
    assert plain.task.test_sets == ("test",)


def test_every_member_needs_every_test_set(tmp_path: Path) -> None:
    collect([write(tmp_path / "a.npz", "val", "test", "test:v2")], tmp_path / "pool")
    with pytest.raises(PoolError, match="given: no test:v2 split; use another folder"):
        collect([write(tmp_path / "b.npz", "val", "test")], tmp_path / "pool")
    with pytest.raises(PoolError, match="given: a test:far_off split; use another folder"):
        collect([write(tmp_path / "b.npz", *SIZES)], tmp_path / "pool")
    with pytest.raises(PoolError, match=r"only one of .*a\.npz and .*b\.npz has test:far_off rows"):
        collect([tmp_path / "a.npz", tmp_path / "b.npz"], tmp_path / "other")


def test_splits_of_a_task_come_in_order(tmp_path: Path) -> None:
    backwards = {split: np.arange(size) for split, size in reversed(SIZES.items())}
    task = Task.of("t", "abcd", rows=backwards, labels=LABELS)
    assert list(task.splits) == ["val", "test", "test:far_off", "test:v2"]
    pool = Pool.create(tmp_path / "pool", task, LABELS)
    assert list(Pool.open(pool.folder).task.splits) == list(task.splits)
    for name in ("train", "test:", "test:a/b", "test:a b", "Test"):
        with pytest.raises(ValueError, match=r"give val, and test where there is one .further test sets are called"):
            Task.of("t", "abcd", rows={**backwards, name: np.arange(3)}, labels={**LABELS, name: np.arange(3)})


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("probs", ("val", "probs")),
        ("test_probs", ("test", "probs")),
        ("test_log_probs", ("test", "log_probs")),
        ("test_v2_log_probs", ("test:v2", "log_probs")),
        ("test_top_k_probs", ("test", "top_k_probs")),
        ("test_in_domain_truth", ("test:in_domain", "labels")),
        ("truth", ("val", "labels")),
        ("models", ("val", "names")),
        ("test_models", None),
        ("testing_probs", None),
        ("history", None),
    ],
)
def test_names_of_arrays(name: str, place: tuple[str, str] | None) -> None:
    assert placed(name) == place


def test_what_is_no_test_set_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "a.npz", "val", "test", names=NAMES)

    def refusal(tests: dict[str, Any]) -> str:
        with pytest.raises(LREnsembleError) as caught:
            collect([file], tmp_path / "pool", tests=tests)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "pool").exists()
        return str(caught.value)

    other = write(tmp_path / "v2.npz", "test:v2", as_split="val", names=[*NAMES[:2], "lr 9"])
    assert refusal({"v2": other}) == "test set 'v2' lacks member 'lr 0.4'; give the same members as elsewhere"
    assert "has test rows, and so has" in refusal({"test": other})
    assert refusal({"a b": other}).startswith("test set 'a b' is refused; name it by letters, digits")
    write(tmp_path / "v2.npz", "test:v2", as_split="val", names=NAMES, probs=None, logits=np.log(PROBS["test:v2"]))
    assert refusal({"v2": other}).endswith(
        "logits of lr 0.1 are logits, and elsewhere probs; give one form of each member"
    )
    inside = write(tmp_path / "v3.npz", "val", "test", names=NAMES)
    assert "is test set 'v3' and has test rows itself" in refusal({"v3": inside})
    with pytest.raises(ConfigError, match="test set 'b c' is refused"):
        placed("test_b c_probs")
