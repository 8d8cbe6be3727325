"""Splits, normalisation, fingerprint, and batches that are a pure function of (seed, step)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lrensemble.config import DataSettings, SplitSettings
from lrensemble.data import Dataset, batch_rows, load, steps_per_epoch
from lrensemble.data.stratified import divide
from lrensemble.errors import DataError
from lrensemble.spec import Spec
from lrensemble.targets import Classes

LABELS = np.repeat([0, 1, 2], [50, 30, 20])
TARGET = Classes(names=("a", "b", "c", "d"))


def test_every_row_is_in_one_split_and_classes_keep_their_shares() -> None:
    rows = divide(TARGET, LABELS, 0, SplitSettings(val=0.2, test=0.3, seed=4))
    assert sorted(np.concatenate(list(rows.values()))) == list(range(100))
    assert {split: len(indices) for split, indices in rows.items()} == {"train": 50, "val": 20, "test": 30}
    for split, fraction in (("train", 0.5), ("val", 0.2), ("test", 0.3)):
        assert (np.diff(rows[split]) > 0).all(), "sorted"
        shares = np.bincount(LABELS[rows[split]]) - fraction * np.array([50, 30, 20])
        assert (abs(shares) <= 1).all()


def test_the_division_depends_on_the_seed_alone() -> None:
    first = divide(TARGET, LABELS, 0, SplitSettings(seed=1))
    np.random.default_rng().random()
    again = divide(TARGET, LABELS, 0, SplitSettings(seed=1))
    other = divide(TARGET, LABELS, 0, SplitSettings(seed=2))
    for split in ("train", "val", "test"):
        np.testing.assert_array_equal(first[split], again[split])
        assert not np.array_equal(first[split], other[split])


def test_own_test_rows_stay_test_rows() -> None:
    rows = divide(TARGET, np.tile([0, 1, 2, 3], 25), 20, SplitSettings(val=0.25))
    assert rows["test"].tolist() == list(range(80, 100))
    assert len(rows["val"]) == 20
    assert rows["train"].max() < 80


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(DataError, match=r"split.val = 0.5 and split.test = 0.5 leave no row to train on"):
        divide(TARGET, LABELS, 0, SplitSettings(val=0.5, test=0.5))
    with pytest.raises(DataError, match="2 rows are too few to divide"):
        divide(TARGET, np.array([0, 1]), 0, SplitSettings())
    with pytest.raises(DataError, match="class 3 has 1 rows in all, and none is left to train on"):
        divide(TARGET, np.repeat([0, 1, 2, 3], [9, 9, 9, 1]), 1, SplitSettings())


def features() -> np.ndarray:
    return np.random.default_rng(7).normal(3, 2, (90, 4, 5, 6))


def arrays(folder: Path, **changes: np.ndarray) -> DataSettings:
    content: dict[str, Any] = {"x": features(), "y": np.tile([0, 1, 2], 30)} | changes
    np.savez(folder / "data.npz", **content)
    return DataSettings(source=Spec("npz", {"file": "data.npz"}), folder=folder)


def test_normalisation_is_measured_on_the_training_rows_alone(tmp_path: Path) -> None:
    dataset = load(arrays(tmp_path), SplitSettings())
    train = dataset.inputs[dataset.rows["train"]].double()
    torch.testing.assert_close(dataset.mean.double(), train.mean(dim=(0, 2, 3)), rtol=1e-6, atol=0)
    torch.testing.assert_close(dataset.std.double(), train.std(dim=(0, 2, 3), correction=0), rtol=1e-6, atol=0)
    inputs, labels = dataset.batch(dataset.rows["train"])
    assert inputs.shape == (54, 4, 5, 6)
    torch.testing.assert_close(inputs.mean(dim=(0, 2, 3)), torch.zeros(4), rtol=0, atol=1e-5)
    torch.testing.assert_close(inputs.std(dim=(0, 2, 3), correction=0), torch.ones(4), rtol=0, atol=1e-5)
    assert torch.equal(labels, dataset.truth[dataset.rows["train"]])


def test_a_feature_without_spread_becomes_zero_and_not_nan(tmp_path: Path) -> None:
    features = np.random.default_rng(0).random((90, 3))
    features[:, 1] = 5
    dataset = load(arrays(tmp_path, x=features), SplitSettings())
    inputs, _ = dataset.batch(torch.arange(90))
    assert dataset.shape == (3,)
    assert dataset.std[1] == 1
    assert not inputs[:, 1].any()


def test_statistics_do_not_depend_on_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = load(arrays(tmp_path), SplitSettings())
    monkeypatch.setattr("lrensemble.data.dataset._BLOCK", 7)
    blocks = load(arrays(tmp_path), SplitSettings())
    torch.testing.assert_close(blocks.mean, whole.mean)
    torch.testing.assert_close(blocks.std, whole.std)


def test_the_fingerprint_is_of_inputs_labels_classes_and_splits(tmp_path: Path) -> None:
    def fingerprint(seed: int = 0, **changes: np.ndarray) -> str:
        return load(arrays(tmp_path, **changes), SplitSettings(seed=seed)).fingerprint

    x, y = features(), np.tile([0, 1, 2], 30)
    base = fingerprint()
    assert base == fingerprint()
    changed_x, changed_y = x.copy(), y.copy()
    changed_x[-1, -1, -1, -1] += 1
    changed_y[-1] = 0
    found = {
        base,
        fingerprint(x=changed_x),
        fingerprint(y=changed_y),
        fingerprint(classes=np.array(["a", "b", "c"])),
        fingerprint(seed=1),
        fingerprint(x=x.reshape(90, 4, 6, 5)),
    }
    assert len(found) == 6


def test_a_batch_is_a_pure_function_of_seed_and_step() -> None:
    steps = list(range(40))
    forward = [batch_rows(53, 8, 3, step) for step in steps]
    for step in reversed(steps):
        np.testing.assert_array_equal(batch_rows(53, 8, 3, step), forward[step])
    assert not np.array_equal(batch_rows(53, 8, 4, 0), forward[0])
    np.random.default_rng(0).random()
    np.testing.assert_array_equal(batch_rows(53, 8, 3, 17), forward[17])


def test_an_epoch_has_full_batches_of_distinct_rows_and_leaves_out_other_rows_each_time() -> None:
    assert steps_per_epoch(53, 8) == 6
    epochs = [np.concatenate([batch_rows(53, 8, 0, epoch * 6 + i) for i in range(6)]) for epoch in range(20)]
    assert all(len(np.unique(rows)) == 48 and rows.min() >= 0 and rows.max() < 53 for rows in epochs)
    assert not np.array_equal(epochs[0], epochs[1])
    assert set(np.concatenate(epochs)) == set(range(53)), "every row has its turn"


def test_a_batch_of_all_rows_is_allowed_and_a_larger_one_refused() -> None:
    assert sorted(batch_rows(10, 10, 0, 3)) == list(range(10))
    with pytest.raises(DataError, match="batch_size = 11 is above the 10 training rows"):
        batch_rows(10, 11, 0, 0)


def test_moving_a_data_set_moves_all_of_it(tmp_path: Path) -> None:
    dataset = load(arrays(tmp_path), SplitSettings())
    moved = dataset.to(torch.device("meta"))
    assert isinstance(moved, Dataset)
    tensors = [value for value in vars(moved).values() if isinstance(value, torch.Tensor)] + list(moved.rows.values())
    assert len(tensors) == 9
    assert all(tensor.is_meta for tensor in tensors)


def test_inputs_that_do_not_fit_a_device_stay_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = load(arrays(tmp_path), SplitSettings())
    monkeypatch.setattr("lrensemble.data.dataset._room", lambda _: dataset.inputs.nbytes - 1)
    moved = dataset.to(torch.device("meta"))
    assert (moved.device.type, moved.inputs.device.type, moved.mean.device.type) == ("meta", "cpu", "meta")
    assert {rows.device.type for rows in moved.rows.values()} == {"cpu"}, "nobody waits for a GPU to say which rows"
    inputs, truth = moved.batch(moved.rows["train"][:3])
    assert inputs.is_meta
    assert truth.is_meta
    monkeypatch.setattr("lrensemble.data.dataset._room", lambda _: dataset.inputs.nbytes)
    assert dataset.to(torch.device("meta")).inputs.is_meta
