"""Files that are flipped, cut, missing or in the wrong place are refused with their name, and never believed."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.members import stacked

from lrensemble.errors import LREnsembleError, PoolError
from lrensemble.pool import Failure, MemberRecord, Pool, Task

MakePredictions = Callable[[int], dict[str, NDArray[np.float32]]]
Labels = dict[str, NDArray[np.int64]]

FILES = (
    "pool.json",
    "labels.safetensors",
    "members/a/member.json",
    "members/a/predictions.safetensors",
    "members/a/weights.safetensors",
    "members/a/history.jsonl",
    "failed/c.json",
)


@pytest.fixture
def full(pool: Pool, predictions: MakePredictions) -> Pool:
    """A pool with one of everything."""
    history = [{"step": step, "loss": 1 / (1 + step)} for step in range(4)]
    record = MemberRecord(id="a", order=0, name="first", scores={"val": {"nll": 0.5}}, seconds=2.0)
    pool.add(record, predictions(1), weights={"layer": torch.arange(6.0)}, history=history)
    pool.add(MemberRecord(id="b", order=1, name="second"), predictions(2))
    pool.record_failure(Failure(id="c", name="third", traceback="Traceback"))
    return pool


def content(folder: Path) -> list[Any]:
    """Everything that can be read from a pool."""
    pool = Pool.open(folder)
    members = pool.members(include_diverged=True)
    return [
        pool.task,
        [pool.truth(split).tolist() for split in pool.task.splits],
        [member.record() for member in members],
        [member.predictions(split).main.tolist() for member in members for split in ("val", "test")],
        {name: tensor.tolist() for name, tensor in members[0].weights().items()},
        [member.history() for member in members],
        pool.failures(),
    ]


class Overwrite:
    """Writes a file again and again, each time with a later time of change, as edits by hand would have."""

    def __init__(self, path: Path) -> None:
        self.path, self.changed = path, path.stat().st_mtime_ns

    def __call__(self, content: bytes) -> None:
        self.path.write_bytes(content)
        self.changed += 1_000_000
        os.utime(self.path, ns=(self.changed, self.changed))


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_refused_or_changes_nothing(full: Pool, name: str) -> None:
    path = full.folder / name
    good, whole = path.read_bytes(), content(full.folder)
    overwrite = Overwrite(path)
    unnoticed = 0
    for place in range(0, len(good), max(1, len(good) // 101)):
        flipped = bytearray(good)
        flipped[place] ^= 1 << place % 8
        overwrite(bytes(flipped))
        try:
            assert content(full.folder) == whole
            unnoticed += 1
        except LREnsembleError as error:
            message = str(error)
            assert name in message or "no pool" in message
            assert "\n" not in message
    hashed_by_content = name.endswith(".json") or name == "labels.safetensors"  # blanks between words may change
    assert unnoticed <= (15 if hashed_by_content else 0)
    overwrite(good)
    assert content(full.folder) == whole


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_a_truncated_file_is_refused(full: Pool, name: str, keep: float) -> None:
    path = full.folder / name
    good = path.read_bytes()
    Overwrite(path)(good[: int(keep * len(good))])
    with pytest.raises(LREnsembleError, match="is damaged") as caught:
        content(full.folder)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", FILES[:-1])
def test_a_missing_file_is_refused(full: Pool, name: str) -> None:
    (full.folder / name).unlink()
    with pytest.raises(PoolError, match=r"it is missing|it has no pool\.json") as caught:
        content(full.folder)
    assert str(full.folder) in str(caught.value)


def test_what_the_message_says_helps(full: Pool, predictions: MakePredictions) -> None:
    path = full.folder / "members" / "a" / "predictions.safetensors"
    Overwrite(path)(path.read_bytes()[:-1])
    advice = f"remove {full.folder / 'members' / 'a'} and run the command that made it again"
    with pytest.raises(PoolError, match=advice):
        stacked(full, "val")
    shutil.rmtree(full.folder / "members" / "a")
    assert full.add(MemberRecord(id="a", order=0, name="first"), predictions(3))
    assert np.array_equal(stacked(full, "val")[0], predictions(3)["val"])


def test_predictions_of_another_member_are_refused(full: Pool) -> None:
    first, second = (full.folder / "members" / key / "predictions.safetensors" for key in "ab")
    shutil.copy(second, first)
    with pytest.raises(PoolError, match=f"{first} is damaged: its SHA-256 is"):
        stacked(full, "val")


def test_a_members_record_in_another_members_folder_is_refused(full: Pool) -> None:
    first, second = (full.folder / "members" / key / "member.json" for key in "ab")
    shutil.copy(second, first)
    with pytest.raises(PoolError, match=r"members/a/member.json is damaged: it is of member b; remove .*members/a "):
        full.members()


@pytest.mark.parametrize("differs", ["classes", "val rows", "val labels", "test rows", "test labels"])
def test_a_member_of_another_pool_is_refused(
    full: Pool, tmp_path: Path, labels: Labels, rows: Labels, predictions: MakePredictions, differs: str
) -> None:
    split, _, what = differs.partition(" ")
    if what:
        changed = labels if what == "labels" else rows
        changed[split] = np.roll(changed[split], 1)
    classes = "xyz" if differs == "classes" else full.task.classes
    other = Pool.create(tmp_path / "other", Task.of("other", classes, rows=rows, labels=labels), labels)
    other.add(MemberRecord(id="d", order=2, name="stranger"), predictions(4))
    shutil.copytree(other.folder / "members" / "d", full.folder / "members" / "d")
    with pytest.raises(PoolError, match=f"members/d/member.json belongs to another pool: it has other {differs}; move"):
        full.members()


def test_labels_of_another_pool_are_refused(full: Pool, tmp_path: Path, labels: Labels, rows: Labels) -> None:
    labels["test"] = np.roll(labels["test"], 1)
    other = Pool.create(tmp_path / "other", Task.of("other", "abc", rows=rows, labels=labels), labels)
    shutil.copy(other.folder / "labels.safetensors", full.folder / "labels.safetensors")
    full.truth("val")
    with pytest.raises(PoolError, match=r"its test labels are not those that pool\.json was made with"):
        full.truth("test")


def test_a_number_edited_by_hand_is_noticed(full: Pool) -> None:
    path = full.folder / "members" / "a" / "member.json"
    path.write_text(path.read_text().replace('"nll": 0.5', '"nll": 0.1'))
    with pytest.raises(PoolError, match="its checksum is not that of its content"):
        full.members()
