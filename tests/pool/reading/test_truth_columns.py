"""A column a class for the truth: one-hot it is taken, multi-label it is refused by that name, with what to do."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from tests.members import stacked

from lrensemble.errors import PredictionsError
from lrensemble.pool.collect import collect

ROWS, CLASSES = 30, ("cat", "dog", "fish")
GENERATOR = np.random.default_rng(5)
TRUTH = np.arange(ROWS) % len(CLASSES)
PROBS = softmax(GENERATOR.normal(size=(ROWS, len(CLASSES))) + 2 * np.eye(len(CLASSES))[TRUTH], axis=1)
SEVERAL = np.eye(len(CLASSES), dtype=int)[TRUTH]
SEVERAL[4] = (1, 1, 0)
SEVERAL[9] = 0


def frame(truth: str, said: str, rows: object) -> pd.DataFrame:
    table = np.asarray(rows)
    columns = {truth.format(name): table[:, k] for k, name in enumerate(CLASSES)}
    return pd.DataFrame(columns | {said.format(name): PROBS[:, k] for k, name in reversed([*enumerate(CLASSES)])})


SPELLINGS = [("{}", "pred_{}"), ("true_{}", "p_{}"), ("label_{}", "{}_prob"), ("y_true_{}", "y_pred_{}")]


@pytest.mark.parametrize(("truth", "said"), SPELLINGS)
@pytest.mark.parametrize("kind", [int, bool, float])
def test_a_one_hot_truth_names_one_class_a_row(tmp_path: Path, truth: str, said: str, kind: type) -> None:
    found = collect(frame(truth, said, np.eye(len(CLASSES))[TRUTH].astype(kind)), tmp_path / "pool")
    assert found.pool.task.target.names == CLASSES
    np.testing.assert_array_equal(found.pool.truth("val"), TRUTH)
    np.testing.assert_allclose(np.exp(stacked(found.pool, "val")[0]), PROBS, rtol=1e-5)
    assert f"{', '.join(truth.format(name) for name in CLASSES)}` as truth" in found.reading[0]


@pytest.mark.parametrize(("truth", "said"), SPELLINGS)
def test_a_multi_label_truth_is_called_so(tmp_path: Path, truth: str, said: str) -> None:
    path = tmp_path / "several.csv"
    frame(truth, said, SEVERAL).to_csv(path, index=False)
    with pytest.raises(PredictionsError) as caught:
        collect(path, tmp_path / "pool")
    assert str(caught.value) == (
        f"{path}: the truth stands in {', '.join(truth.format(name) for name in CLASSES)}, of which 1 of 30 rows have "
        "several and 1 have none: multi-label truth is not supported; give one class a row (--truth NAME), or make a "
        f"pool a label (--truth {truth.format('cat')} --columns {said.format('cat')})"
    )
    assert not (tmp_path / "pool").exists()
    pool = collect(path, tmp_path / "pool", truth=truth.format("cat"), columns=said.format("cat")).pool
    np.testing.assert_array_equal(pool.truth("val"), SEVERAL[:, 0])
    np.testing.assert_allclose(np.exp(stacked(pool, "val")[0, :, 1]), PROBS[:, 0], rtol=1e-5)


def test_flags_that_no_prediction_is_of_are_no_truth(tmp_path: Path) -> None:
    table = frame("seen_by_{}", "pred_{}", SEVERAL).rename(columns=lambda name: name.replace("seen_by_cat", "night"))
    found = collect(table.assign(target=np.array(CLASSES)[TRUTH]), tmp_path / "pool")
    np.testing.assert_array_equal(found.pool.truth("val"), TRUTH)


def test_arrays_without_a_truth_are_all_listed(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    np.savez(path, y_prob=PROBS, answers_of_people=TRUTH, embedding=np.zeros((ROWS, 7)))
    with pytest.raises(PredictionsError) as caught:
        collect(path, tmp_path / "pool")
    held = "y_prob [30, 3], answers_of_people [30], embedding [30, 7]"
    assert f"{path} has no labels; give predictions and labels of the same rows: it holds the arrays {held}; name" in (
        str(caught.value)
    )
    pool = collect(path, tmp_path / "pool", truth="answers_of_people").pool
    np.testing.assert_array_equal(pool.truth("val"), TRUTH)
