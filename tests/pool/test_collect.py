"""Predictions made elsewhere become a pool: every form that files come in."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy.special import log_softmax, softmax
from tests.members import stacked

from lrensemble.errors import PoolError, PredictionsError
from lrensemble.pool import MemberRecord, Pool
from lrensemble.pool.collect import CollectResult, collect

MEMBERS, VAL, TEST, CLASSES = 3, 40, 17, 4
GENERATOR = np.random.default_rng(0)
LOGITS = GENERATOR.normal(size=(MEMBERS, VAL, CLASSES))
TEST_LOGITS = GENERATOR.normal(size=(MEMBERS, TEST, CLASSES))
LABELS = np.arange(VAL) % CLASSES
TEST_LABELS = np.arange(TEST) % CLASSES
EXPECTED = log_softmax(LOGITS, axis=2).astype(np.float32)
TOP1 = LOGITS.argmax(axis=2)


def write(path: Path, **arrays: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


def but(**changed: Any) -> dict[str, Any]:
    arrays = {"logits": LOGITS, "labels": LABELS, **changed}
    return {key: value for key, value in arrays.items() if value is not None}


def names(result: CollectResult) -> list[str]:
    return [member.name for member in result.pool.members()]


@pytest.mark.parametrize(
    ("form", "convert", "tolerance"),
    [
        ("logits", lambda x: x + 5, 1e-6),
        ("logits", lambda x: x.astype(np.float16), 1e-2),
        ("log_probs", lambda x: log_softmax(x, axis=2), 1e-6),
        ("probs", lambda x: softmax(x, axis=2), 1e-6),
        ("probs", lambda x: softmax(x, axis=2).astype(np.float16), 1e-2),
    ],
)
def test_every_form_gives_the_same_log_probabilities(tmp_path: Path, form: str, convert: Any, tolerance: float) -> None:
    arrays = {form: convert(LOGITS), f"test_{form}": convert(TEST_LOGITS)}
    path = write(tmp_path / "a.npz", labels=LABELS, test_labels=TEST_LABELS.astype(np.uint8), **arrays)
    pool = collect([path], tmp_path / "pool").pool
    np.testing.assert_allclose(stacked(pool, "val"), EXPECTED, atol=tolerance)
    np.testing.assert_allclose(stacked(pool, "test"), log_softmax(TEST_LOGITS, axis=2), atol=tolerance)
    assert np.array_equal(pool.truth("val"), LABELS)
    assert np.array_equal(pool.truth("test"), TEST_LABELS)


def test_members_keep_their_order_names_and_classes(tmp_path: Path) -> None:
    odd = ["zeta/1", "alpha é", "../m"]
    result = collect(
        [write(tmp_path / "a.npz", logits=LOGITS, labels=LABELS, models=odd, classes=[*"wxyz"])], tmp_path / "p"
    )
    assert names(result) == odd
    assert [member.id for member in result.pool.members()] == list(result.added)
    assert result.pool.task.classes == ("w", "x", "y", "z")
    assert set(result.pool.task.splits) == {"val"}


def test_a_member_is_scored_on_val_alone(tmp_path: Path) -> None:
    arrays = {"logits": LOGITS, "labels": LABELS, "test_logits": TEST_LOGITS, "test_labels": TEST_LABELS}
    scores = collect([write(tmp_path / "a.npz", **arrays)], tmp_path / "pool").pool.members()[1].scores
    assert set(scores) == {"val"}
    assert scores["val"]["accuracy"] == np.mean(TOP1[1] == LABELS)
    assert scores["val"]["nll"] == pytest.approx(-EXPECTED[1, np.arange(VAL), LABELS].mean(), rel=1e-5)


def test_the_same_file_twice_adds_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npz", logits=LOGITS, labels=LABELS)
    first = collect([path, path], tmp_path / "pool")
    assert (len(first.added), first.skipped) == (3, first.added)
    second = collect([path], tmp_path / "pool")
    assert (second.added, second.skipped) == ((), first.added)


def test_other_predictions_under_the_same_name_are_another_member(tmp_path: Path) -> None:
    for seed, skill in enumerate((1.0, 2.0)):
        path = write(tmp_path / str(seed) / "a.npz", **but(logits=skill * LOGITS))
        assert len(collect([path], tmp_path / "pool").added) == MEMBERS
    assert len(collect([path], tmp_path / "pool").skipped) == MEMBERS


def test_later_files_are_added_behind(tmp_path: Path) -> None:
    first = write(tmp_path / "z.npz", logits=LOGITS, labels=LABELS, classes=[*"wxyz"])
    second = write(tmp_path / "a.npz", logits=LOGITS[:2] * 2, labels=LABELS)
    collect([first], tmp_path / "pool")
    assert names(collect([second], tmp_path / "pool")) == ["z-0", "z-1", "z-2", "a-0", "a-1"]
    assert names(collect([first, second], tmp_path / "other")) == ["z-0", "z-1", "z-2", "a-0", "a-1"]


@pytest.mark.parametrize("spoken", [True, False], ids=["with class names", "without"])
def test_labels_alone_can_join(tmp_path: Path, spoken: bool) -> None:
    classes = {"classes": [*"wxyz"]} if spoken else {}
    never_three = np.minimum(TOP1, 2)
    pool = collect([write(tmp_path / "a.npz", top1=never_three, labels=LABELS, **classes)], tmp_path / "pool").pool
    assert [member.form for member in pool.members()] == ["labels"] * 3
    assert np.array_equal(np.exp(stacked(pool, "val").astype(np.float64)), np.eye(CLASSES)[never_three])
    assert set(pool.members()[0].scores["val"]) == {"accuracy"}
    mixed = collect([write(tmp_path / "b.npz", logits=LOGITS, labels=LABELS)], tmp_path / "pool").pool
    assert [member.form for member in mixed.members()] == ["labels"] * 3 + ["log_probs"] * 3


def test_a_folder_of_one_file_a_member(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    write(folder / "c.npz", logits=LOGITS[0])
    np.save(folder / "a.npy", LOGITS[1])
    save_file({"logits": LOGITS[2]}, folder / "b.safetensors")
    np.save(folder / "d.npy", TOP1[0])
    write(folder / "labels.npz", labels=LABELS, classes=[*"wxyz"])
    (folder / "README.txt").write_text("not a member")
    (folder / ".hidden.npz").write_text("not a member")
    told = collect([folder], tmp_path / "told")  # by the truth: numbers of any size are logits, whole ones labels
    assert [member.form for member in told.pool.members()] == ["log_probs"] * 3 + ["labels"]
    np.testing.assert_allclose(stacked(told.pool, "val")[:3], EXPECTED[[1, 2, 0]], atol=1e-6)
    (folder / "d.npy").unlink()
    result = collect([folder], tmp_path / "pool", form="logits")
    assert names(result) == ["a", "b", "c"]
    np.testing.assert_allclose(stacked(result.pool, "val"), EXPECTED[[1, 2, 0]], atol=1e-6)
    assert result.pool.task.classes == ("w", "x", "y", "z")


def test_a_folder_of_plain_arrays_of_labels(tmp_path: Path) -> None:
    for i in range(MEMBERS):
        (tmp_path / "runs").mkdir(exist_ok=True)
        np.save(tmp_path / "runs" / f"{i}.npy", TOP1[i])
    np.save(tmp_path / "runs" / "labels.npy", LABELS)
    assert names(collect([tmp_path / "runs"], tmp_path / "pool")) == ["0", "1", "2"]


def test_a_folder_with_test_rows_and_labels_in_each_file(tmp_path: Path) -> None:
    for i in range(MEMBERS):
        arrays = {"labels": LABELS, "test_probs": softmax(TEST_LOGITS[i], axis=1), "test_labels": TEST_LABELS}
        write(tmp_path / "runs" / f"{i}.npz", probs=softmax(LOGITS[i], axis=1), **arrays)
    pool = collect([tmp_path / "runs"], tmp_path / "pool").pool
    np.testing.assert_allclose(stacked(pool, "test"), log_softmax(TEST_LOGITS, axis=2), atol=1e-6)
    write(tmp_path / "runs" / "1.npz", probs=softmax(LOGITS[1], axis=1), labels=LABELS[::-1])
    with pytest.raises(PoolError, match=r"only one of .*0.npz and .*1.npz has test rows"):
        collect([tmp_path / "runs"], tmp_path / "other")


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes need Linux")
def test_a_file_name_that_is_no_text_becomes_one(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    for stem in (b"\xff\xfe", "a b\n'\"é".encode()):
        np.savez(folder / os.fsdecode(stem + b".npz"), logits=LOGITS[0], labels=LABELS)
    assert names(collect([folder], tmp_path / os.fsdecode(b"p\xff"))) == ["a b\n'\"é", "??"]


def test_the_kind_chooses_among_several_arrays(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npz", logits=LOGITS, probs=softmax(2 * LOGITS, axis=2), labels=LABELS)
    np.testing.assert_allclose(stacked(collect([path], tmp_path / "first").pool, "val"), EXPECTED, atol=1e-6)
    chosen = stacked(collect([path], tmp_path / "second", form="probs").pool, "val")
    np.testing.assert_allclose(chosen, log_softmax(2 * LOGITS, axis=2), atol=1e-6)
    with pytest.raises(PredictionsError, match=r"a.npz holds logits, probs, labels; give top1"):
        collect([path], tmp_path / "third", form="top1")


def test_a_probability_of_zero_is_kept(tmp_path: Path) -> None:
    probs = np.zeros((2, VAL, CLASSES))
    probs[..., 1] = 1
    masked = np.where(probs == 1, 3.0, -np.inf)
    for name, arrays in (("p", {"probs": probs}), ("l", {"logits": masked}), ("g", {"log_probs": masked - 3})):
        pool = collect([write(tmp_path / f"{name}.npz", labels=LABELS, **arrays)], tmp_path / name).pool
        assert np.array_equal(np.exp(stacked(pool, "val").astype(np.float64)), probs)


def test_logits_of_any_size_are_taken(tmp_path: Path) -> None:
    pool = collect([write(tmp_path / "a.npz", **but(logits=1e300 * LOGITS))], tmp_path / "pool").pool
    assert np.array_equal(np.exp(stacked(pool, "val").astype(np.float64)), np.eye(CLASSES)[TOP1])


def test_rows_can_be_held_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npz", logits=LOGITS, labels=LABELS)
    pool = collect([path], tmp_path / "pool", holdout=0.3, seed=1).pool
    assert np.array_equal(np.bincount(pool.truth("val")), [7, 7, 7, 7])
    assert np.array_equal(np.bincount(pool.truth("test")), [3, 3, 3, 3])
    position = {tuple(row): index for index, row in enumerate(EXPECTED[2].tolist())}
    taken = {split: [position[tuple(row)] for row in stacked(pool, split)[2].tolist()] for split in ("val", "test")}
    assert sorted(taken["val"] + taken["test"]) == list(range(VAL))
    for split, rows in taken.items():
        assert np.array_equal(pool.truth(split), LABELS[rows])
    assert collect([path], tmp_path / "pool", holdout=0.3, seed=1).skipped
    for holdout, seed in ((0.3, 2), (0.4, 1), (None, 1)):
        with pytest.raises(PoolError, match="holds a pool for another task"):
            collect([path], tmp_path / "pool", holdout=holdout, seed=seed)


def test_other_rows_with_the_same_labels_are_told_apart(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npz", **but(labels=np.sort(LABELS)))
    collect([path], tmp_path / "pool", holdout=0.5, seed=1)
    with pytest.raises(PoolError, match="given: other val rows; other test rows; use another folder"):
        collect([path], tmp_path / "pool", holdout=0.5, seed=2)


def test_arrays_that_nobody_asked_for_do_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npz", logits=LOGITS, labels=LABELS, notes=np.array([{}, "a", None], dtype=object))
    assert len(collect([path], tmp_path / "pool").added) == MEMBERS


def test_a_trained_pool_can_be_added_to(tmp_path: Path) -> None:
    pool = collect([write(tmp_path / "a.npz", **but())], tmp_path / "pool").pool
    pool.add(MemberRecord(id="trained", order=8, name="trained"), {"val": EXPECTED[0]})
    pool.add(MemberRecord(id="lost", order=9, name="lost", status="diverged"))
    added = collect([write(tmp_path / "b.npz", **but(logits=LOGITS[:1] * 3))], tmp_path / "pool").added
    assert [(m.id, m.order) for m in Pool.open(tmp_path / "pool").members()][3:] == [("trained", 8), (added[0], 10)]


def test_all_teams_of_a_real_pool_have_the_accuracy_that_others_computed(
    tmp_path: Path, shared_data: Path, shared_golden: Path
) -> None:
    pool = collect([shared_data / "pool-cifar10" / "cifar10_test_logits_8models.npz"], tmp_path / "pool").pool
    probs, labels = np.exp(stacked(pool, "val").astype(np.float64)), pool.truth("val")
    assert probs.shape == (8, 10_000, 10)
    golden = json.loads((shared_golden / "ensemblebench_cifar10.json").read_text())
    assert [member.name for member in pool.members()] == golden["models"]
    teams = {tuple(team): percent for team, percent in golden["mean_probability_accuracy_percent"]}
    assert len(teams) == 255
    for team, percent in teams.items():
        right = int((probs[list(team)].mean(axis=0).argmax(axis=1) == labels).sum())
        assert right == round(percent * 100), f"team {team}"
