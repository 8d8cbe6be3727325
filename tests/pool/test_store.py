"""What is put into a pool comes out of it, in order, and nothing else gets in."""

import json
import mmap
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.members import stacked

from lrensemble.errors import PoolError, PredictionsError, StorageError
from lrensemble.files import read_json, seal, to_json
from lrensemble.pool import Failure, MemberRecord, Pool, Task
from lrensemble.targets import Labels

Predictions = dict[str, NDArray[np.float32]]
MakePredictions = Callable[[int], Predictions]
Truth = dict[str, NDArray[np.int64]]
ODD_NAMES = ("", "a b", "../up", "naïve – 模型 🐜", 'quote " and \\ and\nline\ttab', "\u2028", "x" * 3000, "[red]")


def record(member: str, order: int = 0, **more: Any) -> MemberRecord:
    return MemberRecord(id=member, order=order, name=f"name of {member}", **more)


def test_a_member_reads_back_as_it_was_added(pool: Pool, predictions: MakePredictions) -> None:
    linear = torch.nn.Linear(2, 3)
    linear.tied = linear.weight
    history: list[dict[str, Any]] = [
        {"step": 1, "rate": 0.1, "loss": 2.5},
        {"step": 2, "rate": 0.05, "loss": float("nan"), "note": "a\u2028b"},
    ]
    given = record(
        "c0ffee",
        recipe={"policy": {"name": "cosine", "peak": 0.1}},
        scores={"val": {"accuracy": 0.75}},
        seconds=1.5,
        parameters=9,
        samples=640,
        environment={"python": "3.11"},
    )
    assert pool.add(given, predictions(1), weights=linear.state_dict(), history=history)
    (member,) = Pool.open(pool.folder).members()
    assert MemberRecord(**{name: getattr(member, name) for name in MemberRecord.model_fields}) == given
    for split, array in predictions(1).items():
        assert member.predictions(split).main.dtype == np.float32
        assert np.array_equal(member.predictions(split).main, array)
    assert {name: tensor.tolist() for name, tensor in member.weights().items()} == {
        name: tensor.tolist() for name, tensor in linear.state_dict().items()
    }
    assert member.history() == [history[0], {**history[1], "loss": None}]
    assert "c0ffee" in pool
    assert "c0ffe" not in pool
    assert {"id": "c0ffee", "order": 0}.items() <= member.record().items()


def test_members_come_by_order_and_then_by_id(pool: Pool, predictions: MakePredictions) -> None:
    for seed, (member, order) in enumerate([("b", 2), ("f", 0), ("a", 2), ("d", 10), ("e", 1)]):
        pool.add(record(member, order), predictions(seed))
    pool.add(record("c", 3, status="diverged"))
    assert [member.id for member in pool.members()] == ["f", "e", "a", "b", "d"]
    assert [member.id for member in pool.members(include_diverged=True)] == ["f", "e", "a", "b", "c", "d"]
    said = stacked(pool, "test")
    assert said.shape == (5, 5, 3)
    assert said.dtype == np.float32
    for row, seed in zip(said, [1, 4, 2, 0, 3], strict=True):
        assert np.array_equal(row, predictions(seed)["test"])


def test_an_empty_pool_has_no_members(pool: Pool) -> None:
    assert pool.members() == ()
    assert stacked(pool, "val").shape == (0, 7, 3)
    assert pool.failures() == ()


def test_labels_read_back(pool: Pool, labels: Truth) -> None:
    for split, array in labels.items():
        assert pool.truth(split).dtype == np.int64
        assert np.array_equal(pool.truth(split), array)
    with pytest.raises(PoolError, match="has no split 'train'; it has val and test"):
        pool.truth("train")


def test_predictions_are_mapped_and_not_read(pool: Pool, predictions: MakePredictions) -> None:
    pool.add(record("a"), predictions(1))
    array = pool.members()[0].predictions("val").main
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(base, mmap.mmap)
    assert not array.flags.writeable


def test_float16_halves_the_numbers_and_keeps_the_probabilities(pool: Pool, predictions: MakePredictions) -> None:
    pool.add(record("a"), predictions(1), precision="float16")
    (member,) = pool.members()
    assert member.predictions("val").main.dtype == np.float16
    assert np.abs(np.exp(stacked(pool, "val")[0]) - np.exp(predictions(1)["val"])).max() < 5e-4


def test_float16_is_refused_where_it_would_spoil_the_sums(tmp_path: Path) -> None:
    labels = {"val": np.zeros(4, dtype=np.int64)}
    task = Task.of("many", [str(i) for i in range(1000)], rows={"val": np.arange(4)}, labels=labels)
    flat = {"val": np.full((4, 1000), -np.log(1000))}
    pool = Pool.create(tmp_path, task, labels)
    assert pool.add(record("a"), flat)
    with pytest.raises(PredictionsError, match="val predictions rounded to float16: row 0 does not sum to one"):
        pool.add(record("b"), flat, precision="float16")


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_probability_of_zero_stays_zero_and_its_logarithm_finite(
    pool: Pool, predictions: MakePredictions, precision: Any
) -> None:
    certain = {split: np.where(np.arange(3) == 1, 0.0, -np.inf) + 0 * array for split, array in predictions(1).items()}
    pool.add(record("a"), certain, precision=precision)
    (member,) = pool.members()
    assert np.isfinite(member.predictions("val").main).all()
    assert np.array_equal(np.exp(member.predictions("val").main.astype(np.float64)), np.tile([0.0, 1.0, 0.0], (7, 1)))


def test_files_have_the_form_of_predictions_as_kind(pool: Pool, labels: Truth) -> None:
    pool.add(record("a", form="labels"), {split: Labels(array) for split, array in labels.items()})
    (member,) = pool.members()
    for content in (json.loads((member.folder / "member.json").read_text()), member.record()):
        assert content["kind"] == "labels"
        assert "form" not in content
    assert MemberRecord.model_validate({"id": "a", "order": 0, "name": "a", "kind": "top1"}).form == "labels"


def test_a_member_is_added_once(pool: Pool, predictions: MakePredictions) -> None:
    assert pool.add(record("a"), predictions(1))
    assert not pool.add(record("a"), predictions(2))
    assert np.array_equal(stacked(pool, "val")[0], predictions(1)["val"])


def test_a_failure_is_kept_until_the_member_succeeds(pool: Pool, predictions: MakePredictions) -> None:
    failures = [Failure(id=key, name=f"run {key}", recipe={"seed": 3}, traceback=f"Traceback: {key}") for key in "ab"]
    for failure in [failures[1], failures[0], failures[1]]:
        pool.record_failure(failure)
    assert pool.failures() == (failures[0], failures[1])
    assert pool.members(include_diverged=True) == ()
    pool.add(record("a"), predictions(1))
    assert pool.failures() == (failures[1],)
    assert not (pool.folder / "failed" / "a.json").exists()
    pool.record_failure(failures[0])  # as a kill between adding a member and forgetting its failure would leave it
    assert pool.failures() == (failures[1],)


def test_a_member_without_weights_or_history_says_so(pool: Pool, predictions: MakePredictions) -> None:
    pool.add(record("a"), predictions(1))
    pool.add(record("b", 1, status="diverged"))
    finished, diverged = pool.members(include_diverged=True)
    assert finished.history() == []
    with pytest.raises(PoolError, match=r"member a \(name of a, finished\) has no weights.safetensors"):
        finished.weights()
    with pytest.raises(PoolError, match=r"member b \(name of b, diverged\) has no predictions.safetensors"):
        diverged.predictions("val")
    with pytest.raises(PoolError, match="has no predictions on 'train'; it has test, val"):
        finished.predictions("train")


@pytest.mark.parametrize("name", ODD_NAMES, ids=range(len(ODD_NAMES)))
def test_names_may_be_odd(name: str, tmp_path: Path, labels: Truth, rows: Truth, predictions: MakePredictions) -> None:
    task = Task.of(name, ["", name, name * 2], rows=rows, labels=labels)
    pool = Pool.create(tmp_path / "földer with ' [odd] 名", task, labels)
    pool.add(MemberRecord(id="a", order=0, name=name), predictions(1))
    again = Pool.open(pool.folder)
    assert again.task == task
    assert again.members()[0].name == name


def test_a_pool_may_do_without_test_rows(
    tmp_path: Path, labels: Truth, rows: Truth, predictions: MakePredictions
) -> None:
    only = {"val": labels["val"]}
    alone = Pool.create(tmp_path / "b", Task.of("t", ["a", "b", "c"], rows={"val": rows["val"]}, labels=only), only)
    assert list(alone.task.splits) == ["val"]
    assert alone.add(record("a"), {"val": predictions(1)["val"]})
    with pytest.raises(PoolError, match="has no split 'test'; it has val"):
        alone.truth("test")


def test_the_same_task_opens_the_same_pool(pool: Pool, task: Task, labels: Truth, predictions: MakePredictions) -> None:
    pool.add(record("a"), predictions(1))
    renamed = task.model_copy(update={"name": "called otherwise"})
    unsigned = {split: array.astype(np.uint8) for split, array in labels.items()}
    assert [member.id for member in Pool.create(pool.folder, renamed, unsigned).members()] == ["a"]


def test_another_task_is_refused_with_what_differs(pool: Pool, labels: Truth, rows: Truth) -> None:
    def refused(message: str, *, classes: tuple[str, ...] = ("ant", "bee", "cat"), **changed: Truth) -> None:
        now = {"labels": labels, "rows": rows} | changed
        task = Task.of("t", classes, rows=now["rows"], labels=now["labels"])
        with pytest.raises(PoolError, match=f"holds a pool for another task; given: {message}; use another folder"):
            Pool.create(pool.folder, task, now["labels"])

    refused("class 1 is 'dog', not 'bee'", classes=("ant", "dog", "cat"))
    refused("4 classes, not 3", classes=("ant", "bee", "cat", "dog"))
    refused("other val rows", rows=rows | {"val": rows["val"][::-1]})
    refused("other test labels", labels=labels | {"test": np.array([2, 1, 0, 0, 2])})
    refused("6 val rows, not 7", rows=rows | {"val": rows["val"][1:]}, labels=labels | {"val": labels["val"][1:]})
    refused("no test split", rows={"val": rows["val"]}, labels={"val": labels["val"]})
    assert np.array_equal(pool.truth("val"), labels["val"])


def test_a_task_has_val_and_perhaps_test_rows(labels: Truth, rows: Truth) -> None:
    assert list(Task.of("t", "abc", rows=dict(reversed(rows.items())), labels=labels).splits) == ["val", "test"]
    with pytest.raises(ValueError, match="splits are test; give val, and test where there is one"):
        Task.of("t", "abc", rows={"test": rows["test"]}, labels=labels)


def test_labels_must_be_those_of_the_task(tmp_path: Path, task: Task, labels: Truth, rows: Truth) -> None:
    with pytest.raises(PredictionsError, match="the val labels are not those that the task was made of"):
        Pool.create(tmp_path, task, labels | {"val": labels["val"][::-1]})
    outside = labels | {"test": np.array([2, 1, 0, 3, 1])}
    with pytest.raises(PredictionsError, match="label 3 in row 3 is outside the classes"):
        Pool.create(tmp_path, Task.of("t", "abc", rows=rows, labels=outside), outside)
    assert list(tmp_path.iterdir()) == []


def spoiled(array: NDArray[np.float32], value: float) -> NDArray[np.float32]:
    array[2, 1] = value
    return array


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda p: p | {"val": p["val"].T},
            r"val predictions have shape \(3, 7\); the pool has 7 rows, so give \[sample, class\] = \(7, 3\)",
        ),
        (lambda p: p | {"test": p["val"]}, r"test predictions have shape \(7, 3\); the pool has 5 rows"),
        (
            lambda p: {"val": p["val"]},
            "has predictions on val; a finished member of this pool needs them on val and test",
        ),
        (lambda p: p | {"train": p["val"]}, "has predictions on val and test and train"),
        (lambda _: {}, "has predictions on nothing"),
        (lambda p: p | {"test": spoiled(p["test"], np.nan)}, "name of a: test predictions: row 2 holds NaN"),
        (lambda p: p | {"val": spoiled(p["val"], np.inf)}, "val predictions: row 2 does not sum to one"),
        (lambda p: p | {"val": p["val"] + 0.01}, "row 0 does not sum to one"),
        (lambda p: p | {"val": 1000 * np.abs(p["val"])}, "row 0 does not sum to one .*are these logits"),
    ],
)
def test_predictions_that_cannot_be_used_are_refused(
    pool: Pool, predictions: MakePredictions, spoil: Callable[[Predictions], Predictions], message: str
) -> None:
    with pytest.raises(PredictionsError, match=message):
        pool.add(record("a"), spoil(predictions(1)))
    assert list((pool.folder / "members").iterdir()) == []


def test_logits_are_refused_at_any_precision(pool: Pool, predictions: MakePredictions) -> None:
    logits = {split: 1e6 * np.abs(array) for split, array in predictions(1).items()}
    with pytest.raises(PredictionsError, match="val predictions: row 0 does not sum to one"):
        pool.add(record("a"), logits, precision="float16")


def test_a_diverged_member_has_no_predictions(pool: Pool, predictions: MakePredictions) -> None:
    with pytest.raises(PredictionsError, match=r"name of a \(diverged\) has predictions on val and test"):
        pool.add(record("a", status="diverged"), predictions(1))


def test_what_is_no_pool_is_refused(tmp_path: Path, pool: Pool) -> None:
    with pytest.raises(PoolError, match=r"no pool at .*nowhere: it has no pool.json"):
        Pool.open(tmp_path / "nowhere")
    path = pool.folder / "pool.json"
    content = read_json(path)
    assert isinstance(content, dict)
    path.write_text(to_json(content | {"format": 3}))
    with pytest.raises(
        PoolError, match=r"pool.json has format 3; this version of lrensemble reads 1 and 2; a newer version of lre"
    ):
        Pool.open(pool.folder)
    path.write_text(to_json(content | {"format": 0}))
    with pytest.raises(PoolError, match=r"reads 1 and 2$"):
        Pool.open(pool.folder)
    later = {key: value for key, value in content.items() if key != "checksum"}
    path.write_bytes(seal(later | {"task": later["task"] | {"calibration": "none"}}))
    with pytest.raises(PoolError, match=r"task.calibration: no such key.*; the file is whole: a newer version of lre"):
        Pool.open(pool.folder)
    path.write_text("[]")
    with pytest.raises(PoolError, match=r"pool.json is no file of a pool"):
        Pool.open(pool.folder)


def test_a_pool_that_was_never_finished_is_made_whole(pool: Pool, task: Task, labels: Truth) -> None:
    for name in ("pool.json", "labels.safetensors"):
        (pool.folder / name).unlink()
        again = Pool.create(pool.folder, task, labels)
        assert np.array_equal(again.truth("test"), labels["test"])


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, task: Task, labels: Truth) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    for folder in (file, file / "below"):
        with pytest.raises(StorageError, match=f"cannot write {folder}.*: (File exists|Not a directory)"):
            Pool.create(folder, task, labels)
    assert file.read_text() == "in the way"
    if platform.system() == "Linux":
        with pytest.raises(StorageError, match="cannot write /proc/nowhere/members"):
            Pool.create(Path("/proc/nowhere"), task, labels)
    with pytest.raises(StorageError, match="File name too long"):
        Pool.create(tmp_path / ("x" * 300), task, labels)
