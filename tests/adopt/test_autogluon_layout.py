"""Predictions in the layout that the predictor of AutoGluon gives: a frame or a column by the name of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrensemble

pd: Any = pytest.importorskip("pandas")

MODELS, ROWS = ("LightGBM", "NeuralNetTorch"), 30


@pytest.fixture
def index() -> Any:
    return np.random.default_rng(0).permutation(ROWS) + 100


def collected(pool: Path, predictions: dict[str, Any], truth: Any, **own: Any) -> dict[str, Any]:
    """Predictions that the pool holds, by the name of the model."""
    result = lrensemble.collect(predictions, pool, truth=truth, **own)
    return {member.name: member for member in result.pool.members()}


@pytest.mark.parametrize("classes", [(0, 1), ("no", "yes"), (0, 1, 2), ("cat", "dog", "eel", "fox")])
def test_frames_of_classes_whatever_the_order_of_the_truth(
    classes: tuple[Any, ...], index: Any, tmp_path: Path
) -> None:
    generator = np.random.default_rng(1)
    truth = pd.Series(generator.choice(classes, size=ROWS), index=index, name="class")
    predictions = {
        name: pd.DataFrame(
            generator.dirichlet(np.ones(len(classes)), size=ROWS), columns=list(classes), index=index
        ).astype(np.float32)
        for name in MODELS
    }
    in_order = collected(tmp_path / "one", predictions, truth)
    other = collected(tmp_path / "other", predictions, truth.sort_index())
    for name in MODELS:
        right = predictions[name].idxmax(axis=1) == truth
        given = np.log([predictions[name].loc[row, truth.loc[row]] for row in index])
        for members in (in_order, other):
            assert members[name].scores["val"]["accuracy"] == pytest.approx(right.mean())
            assert members[name].scores["val"]["nll"] == pytest.approx(-given.mean(), rel=1e-5)


def test_columns_of_the_second_class_and_of_values(index: Any, tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    truth = pd.Series(generator.choice(["no", "yes"], size=ROWS), index=index)
    sure = {name: pd.Series(np.where(truth == "yes", 0.9, 0.2), index=index) for name in MODELS}
    for place, said in enumerate((truth, truth.sort_index())):  # as_multiclass=False
        members = collected(tmp_path / str(place), sure, said)
        assert [members[name].scores["val"]["accuracy"] for name in MODELS] == [1, 1]
    price = pd.Series(generator.normal(size=ROWS), index=index, name="price")
    values = {name: price + place for place, name in enumerate(MODELS)}
    for place, said in enumerate((price, price.sort_index(), {"val": price.sort_index()})):
        members = collected(tmp_path / f"values-{place}", values, said)
        assert [members[name].scores["val"]["mse"] for name in MODELS] == pytest.approx([0, 1])


def test_a_column_without_an_index_of_its_own_goes_by_place(tmp_path: Path) -> None:
    price = pd.Series(np.arange(ROWS) / 7, index=np.arange(ROWS)[::-1] + 100)
    members = collected(tmp_path / "pool", {"one": price.to_numpy(), "two": price.reset_index(drop=True)}, price)
    assert [each.scores["val"]["mse"] for each in members.values()] == [0, 0]
