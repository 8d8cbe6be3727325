"""Samplers: pure functions of an epoch's generator, with the frequencies that they promise; and last batches."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils.data import WeightedRandomSampler

from lrensemble.config import DataSettings, SplitSettings, TrainSettings
from lrensemble.data import SAMPLERS, Dataset, batch_rows, epoch_order, load, rows_seen, sampler_of, steps_per_epoch
from lrensemble.data.learning import check_training
from lrensemble.data.samplers import Sampler, TrainingRows
from lrensemble.errors import ConfigError, DataError
from lrensemble.spec import Spec, to_spec

LABELS = np.repeat([0, 1, 2], [150, 30, 20])
WEIGHTS = np.random.default_rng(0).gamma(1.0, size=200) * (np.arange(200) % 5 > 0)
LENGTHS = np.random.default_rng(1).integers(1, 60, size=200)
ROWS = TrainingRows(200, LABELS, ("a", "b", "c"), WEIGHTS, LENGTHS, 8)
EPOCHS = 400


def shares(sampler: Sampler) -> NDArray[np.float64]:
    """Share of the draws of some epochs that each row has."""
    drawn = np.concatenate([epoch_order(sampler, 7, epoch) for epoch in range(EPOCHS)])
    return np.bincount(drawn, minlength=ROWS.count) / len(drawn)


@pytest.mark.parametrize("name", SAMPLERS)
def test_an_epoch_is_a_function_of_its_generator(name: str) -> None:
    sampler = SAMPLERS.call(SAMPLERS.example(name), ROWS)
    first, again, other = (epoch_order(sampler, 3, epoch) for epoch in (5, 5, 6))
    assert first.shape == (200,)
    assert first.dtype == np.int64
    assert ((first >= 0) & (first < 200)).all()
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, epoch_order(sampler, 4, 5))


def test_shuffle_has_every_row_once_and_is_the_order_of_batches() -> None:
    order = epoch_order(SAMPLERS.call("shuffle", ROWS), 3, 2)
    assert sorted(order) == list(range(200))
    np.testing.assert_array_equal(order, np.random.default_rng((3, 2)).permutation(200))
    np.testing.assert_array_equal(np.concatenate([batch_rows(200, 50, 3, step) for step in range(8, 12)]), order)


def test_balanced_draws_every_class_alike_and_every_row_of_it_alike() -> None:
    found, count = shares(SAMPLERS.call("balanced", ROWS)), 200 * EPOCHS
    expected = 1 / 3 / np.array([150, 30, 20])[LABELS]
    assert (abs(found - expected) < 5 * np.sqrt(expected / count)).all()
    for label in range(3):
        assert found[label == LABELS].sum() == pytest.approx(1 / 3, abs=5 * np.sqrt(2 / 9 / count))


def test_weighted_draws_as_torch_does() -> None:
    found, count = shares(SAMPLERS.call("weighted", ROWS)), 200 * EPOCHS
    expected = WEIGHTS / WEIGHTS.sum()
    assert (found[WEIGHTS == 0] == 0).all()
    assert (abs(found - expected) <= 5 * np.sqrt(expected / count)).all()
    torchs: Any = WeightedRandomSampler(WEIGHTS.tolist(), count, generator=torch.Generator().manual_seed(0))
    others = np.bincount(list(torchs), minlength=200) / count
    assert (abs(found - others) <= 5 * np.sqrt(2 * expected / count)).all()


def test_what_is_drawn_of_a_number_by_hand() -> None:
    """Weights 0, 1, 3, 0: a quarter of the numbers from 0 to 1 stand for row 1, the rest for row 2."""
    sampler = SAMPLERS.call("weighted", TrainingRows(4, weights=np.array([0.0, 1.0, 3.0, 0.0])))
    numbers = np.random.default_rng((1, 0)).random(4)
    assert epoch_order(sampler, 1, 0).tolist() == [1 if number < 0.25 else 2 for number in numbers]


@pytest.mark.parametrize(("rows", "size"), [(53, 8), (56, 8), (5, 8), (1, 1), (9, 8)])
def test_without_drop_last_every_row_is_in_a_batch_of_every_epoch(rows: int, size: int) -> None:
    steps = steps_per_epoch(rows, size, drop_last=False)
    assert steps == -(-rows // size)
    settings = TrainSettings(batch_size=size, drop_last=False)
    for epoch in range(3):
        batches = [batch_rows(rows, size, 2, epoch * steps + i, drop_last=False) for i in range(steps)]
        assert sorted(np.concatenate(batches)) == list(range(rows))
        assert {len(batch) for batch in batches[:-1]} <= {size}
    lengths = [len(batch_rows(rows, size, 2, step, drop_last=False)) for step in range(4 * steps)]
    for first in range(0, 4 * steps, 3):
        for end in range(first, 4 * steps, 2):
            assert rows_seen(rows, settings, range(first, end)) == sum(lengths[first:end])


def test_with_drop_last_all_batches_are_full() -> None:
    assert rows_seen(53, TrainSettings(batch_size=8), range(4, 20)) == 16 * 8
    with pytest.raises(DataError, match=r"batch_size = 8 is above the 5 training rows"):
        rows_seen(5, TrainSettings(batch_size=8), range(2))


def write(folder: Path, **arrays: Any) -> None:
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(200, 4)).astype(np.float32), generator.permutation(LABELS)
    np.savez(folder / "data.npz", x=x, y=y, **arrays)


def read(folder: Path, **arguments: Any) -> Dataset:
    return load(DataSettings(source=Spec("npz", {"file": "data.npz", **arguments}), folder=folder), SplitSettings())


def test_weights_and_soft_targets_of_a_file_go_with_their_rows(tmp_path: Path) -> None:
    soft = np.random.default_rng(1).dirichlet([1, 2, 3], 200)
    write(tmp_path, w=WEIGHTS, p=soft, x_test=np.ones((7, 4), np.float32), y_test=np.zeros(7, np.int64))
    plain, dataset = read(tmp_path), read(tmp_path, weights="w", soft="p")
    rows = dataset.rows["train"].numpy()
    assert dataset.weights is not None
    assert dataset.soft is not None
    np.testing.assert_array_equal(dataset.weights[rows], WEIGHTS[rows])
    np.testing.assert_allclose(dataset.soft[rows], soft[rows], rtol=1e-6)
    assert dataset.soft.shape == (207, 3)
    assert plain.weights is None
    assert plain.soft is None
    assert len({plain.fingerprint, dataset.fingerprint, read(tmp_path, weights="w").fingerprint}) == 3
    drawn = epoch_order(sampler_of(dataset, TrainSettings(sampler=Spec("weighted"))), 0, 0)
    assert (dataset.weights[rows][drawn] > 0).all()


def test_weights_and_soft_targets_of_a_table(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    lines = [f"{i},{i % 2},{'dog' if i % 3 else 'cat'},{i},{0.25},{0.75}" for i in range(60)]
    (tmp_path / "data.csv").write_text("\n".join(["a,b,y,w,cat,dog", *lines]))
    source = Spec("table", {"file": "data.csv", "target": "y", "weights": "w", "soft": ("cat", "dog")})
    dataset = load(DataSettings(source=source, folder=tmp_path), SplitSettings())
    assert dataset.shape == (2,), "neither the weights nor the probabilities are learned from"
    assert dataset.weights is not None
    assert dataset.weights.tolist() == list(range(60))
    assert dataset.soft is not None
    assert dataset.soft.tolist() == [[0.25, 0.75]] * 60
    again = Spec("table", {**source.arguments, "features": ("a", "cat")})
    with pytest.raises(DataError, match="'cat' is a feature and a target"):
        load(DataSettings(source=again, folder=tmp_path), SplitSettings())


@pytest.mark.parametrize(
    ("arrays", "asked", "message"),
    [
        ({"w": WEIGHTS[:9]}, {"weights": "w"}, "w is float64 of shape (9,); give numbers for each of 200 rows"),
        ({"w": np.full((200, 2), 1.0)}, {"weights": "w"}, "weights have shape (200, 2)"),
        ({"w": np.full(200, -1.0)}, {"weights": "w"}, "row 0 has weight -1; give finite numbers from 0"),
        ({}, {"weights": "w"}, "must hold exactly one of w; it holds x, y"),
        ({"p": np.full((200, 2), 0.5)}, {"soft": "p"}, "soft targets have shape (200, 2); give [sample, class] = (200"),
        ({"p": np.full((200, 3), 0.5)}, {"soft": "p"}, "soft targets: row 0 does not sum to one"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    tmp_path: Path, arrays: dict[str, Any], asked: dict[str, str], message: str
) -> None:
    write(tmp_path, **arrays)
    with pytest.raises(DataError, match=re.escape(message)):
        read(tmp_path, **asked)


def test_what_the_data_do_not_serve_is_refused(tmp_path: Path) -> None:
    write(tmp_path, w=np.where(np.arange(200) == 7, 1.0, 0.0))
    dataset = read(tmp_path)
    for settings, message in (
        ({"sampler": "weighted"}, "the data set has no weights; name an array or column of them"),
        ({"loss": "soft_targets"}, "'soft_targets' is refused: the data set has no class probabilities"),
        ({"loss": "weighted(weights=[1, 2])"}, "has 2 numbers, and there are 3 classes"),
    ):
        given: dict[str, Any] = {key: to_spec(text) for key, text in settings.items()}
        with pytest.raises(ConfigError, match=re.escape(message)):
            check_training(dataset, TrainSettings(**given))
    for rows, name, message in (
        (TrainingRows(4, weights=np.zeros(4)), "weighted", "the weights of all training rows are 0"),
        (TrainingRows(4), "balanced", "values have no classes"),
        (TrainingRows(2, np.array([0, 2]), ("a", "b", "c")), "balanced", "class 'b' has no training rows to draw"),
    ):
        with pytest.raises(ConfigError, match=message):
            SAMPLERS.call(name, rows)


def test_values_that_are_mixed_are_learned_by_their_mean_alone() -> None:
    dataset = load(DataSettings(source=Spec("diabetes")), SplitSettings())
    mixup = (Spec("mixup"),)
    check_training(dataset, TrainSettings(loss=Spec("squared"), augment=mixup))
    for name in ("huber", "absolute"):
        check_training(dataset, TrainSettings(loss=Spec(name)))
        with pytest.raises(ConfigError, match=f"train.loss = '{name}' is refused with mixup: of two truths"):
            check_training(dataset, TrainSettings(loss=Spec(name), augment=mixup))


def outside(rows: TrainingRows) -> Sampler:
    """Positions behind the last row."""
    return lambda generator: generator.permutation(rows.count) + 1


def test_a_sampler_of_ones_own() -> None:
    early = epoch_order(SAMPLERS.call("tests.registry.own_things:early(share=0.25)", ROWS), 0, 0)
    assert early.max() < 50
    with pytest.raises(DataError, match="must return a position from 0 to 199 for each of 200 rows"):
        epoch_order(SAMPLERS.call(f"{__name__}:outside", ROWS), 0, 0)
