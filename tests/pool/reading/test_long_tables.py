"""Long tables, a row for each sample and model, give what a file for each model gives; teams are applied to them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from tests.members import stacked

from lrensemble.errors import LREnsembleError, PredictionsError
from lrensemble.evaluate import choose
from lrensemble.export.combined import combine_files
from lrensemble.export.team_file import team_file
from lrensemble.pool.collect import collect

MODELS, ROWS, NEW, CLASSES = ("net", "lgb", "xgb"), 40, 15, 4
GENERATOR = np.random.default_rng(7)
TRUTH = np.arange(ROWS) % CLASSES
PROBS = softmax(GENERATOR.normal(size=(len(MODELS), ROWS, CLASSES)) + 2 * np.eye(CLASSES)[TRUTH], axis=2)
NEW_PROBS = softmax(GENERATOR.normal(size=(len(MODELS), NEW, CLASSES)), axis=2)


def long(probs: Any, order: str = "mixed", column: str = "model", **of_rows: Any) -> pd.DataFrame:
    each = [
        pd.DataFrame({**of_rows, column: name, **{f"prob_{k}": rows[:, k] for k in range(CLASSES)}})
        for name, rows in zip(MODELS, probs, strict=True)
    ]
    table = pd.concat(each)
    if order == "mixed":
        return table.sample(frac=1, random_state=1)
    return table if order == "model by model" else table.sort_index(kind="stable")


IDS = np.array([f"row {row}" for row in range(ROWS)])


@pytest.mark.parametrize("order", ["mixed", "model by model", "sample by sample"])
@pytest.mark.parametrize("column", ["model", "Model", "model_name", "classifier", "member"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ""])
def test_one_member_a_model(tmp_path: Path, order: str, column: str, suffix: str) -> None:
    table: Any = long(PROBS, order, column, id=IDS, target=TRUTH).reset_index(drop=True)
    if suffix:
        path = tmp_path / f"all{suffix}"
        table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path)
        found = collect(path, tmp_path / "pool")
    else:
        found = collect(table, tmp_path / "pool")
    by_name = {member.name: place for place, member in enumerate(found.pool.members())}
    assert set(by_name) == set(MODELS)
    rows = [IDS.tolist().index(name) for name in found.pool.ids("val") or ()]
    said = np.exp(stacked(found.pool, "val"))[[by_name[name] for name in MODELS]]
    np.testing.assert_allclose(said, PROBS[:, rows], rtol=1e-5)
    np.testing.assert_array_equal(found.pool.truth("val"), TRUTH[rows])
    assert f"took `{column}` as the model of each row: 3 models" in found.reading[0]
    assert len(found.reading) == 2


def test_without_ids_rows_are_in_the_order_of_the_table(tmp_path: Path) -> None:
    pool = collect(long(PROBS, "sample by sample", target=TRUTH), tmp_path / "pool", id=None).pool
    np.testing.assert_allclose(np.exp(stacked(pool, "val")), PROBS, rtol=1e-5)


def test_one_column_a_model_of_two_classes(tmp_path: Path) -> None:
    truth, p1 = TRUTH % 2, GENERATOR.uniform(size=(len(MODELS), ROWS))
    table = pd.concat(
        pd.DataFrame({"id": IDS, "model": name, "y_true": truth, "y_prob": p})
        for name, p in zip(MODELS, p1, strict=True)
    )
    pool = collect(table, tmp_path / "pool").pool
    np.testing.assert_allclose(np.exp(stacked(pool, "val"))[..., 1], p1, rtol=1e-5)


def test_a_split_column_and_two_files(tmp_path: Path) -> None:
    half = np.where(np.arange(ROWS) % 3 == 0, "test", "val")
    table = long(PROBS, id=IDS, target=TRUTH, split=half)
    pool = collect(table, tmp_path / "one").pool
    assert {split: len(pool.truth(split)) for split in pool.task.splits} == {"val": 26, "test": 14}
    for name in ("val", "test"):
        table[table["split"] == name].drop(columns="split").to_csv(tmp_path / f"all_{name}.csv", index=False)
    files = [tmp_path / "all_val.csv", tmp_path / "all_test.csv"]
    other = collect(files, tmp_path / "two").pool
    places = [[member.name for member in other.members()].index(member.name) for member in pool.members()]
    for split in ("val", "test"):
        order = [(other.ids(split) or ()).index(name) for name in pool.ids(split) or ()]
        np.testing.assert_allclose(stacked(other, split)[places][:, order], stacked(pool, split), rtol=1e-6)
    rows = pd.read_csv(files[1])
    rows[rows["model"] != "lgb"].to_csv(files[1], index=False)
    with pytest.raises(PredictionsError, match=r"all_test.csv has the models .*, and .*all_val.csv .*lgb.*; give the"):
        collect(files, tmp_path / "three")


def test_a_team_is_applied_to_one(tmp_path: Path) -> None:
    pool = collect(long(PROBS, id=IDS, target=TRUTH), tmp_path / "pool").pool
    team = team_file(pool, choose(pool, "all", folds=0))
    path = tmp_path / "new.csv"
    long(NEW_PROBS, id=np.arange(NEW)).to_csv(path, index=False)
    found = combine_files(team, path)
    np.testing.assert_allclose(found.said, NEW_PROBS.mean(axis=0)[list(map(int, found.ids or ()))], rtol=1e-5)


def test_a_model_that_lacks_a_row_is_refused(tmp_path: Path) -> None:
    table = long(PROBS, "model by model", id=IDS, target=TRUTH).iloc[:-1]
    with pytest.raises(LREnsembleError, match=r"1 of 40 rows .* missing, the first 'row 39'"):
        collect(table, tmp_path / "pool")


@pytest.mark.parametrize("ids", [{"id": IDS}, {}])
def test_a_property_of_samples_is_no_model(tmp_path: Path, ids: dict[str, Any]) -> None:
    cars = np.array(["polo", "golf"])[np.arange(ROWS) // 20]
    table = pd.DataFrame({**ids, "model": cars, "target": TRUTH, **{f"p_{k}": PROBS[0][:, k] for k in range(CLASSES)}})
    table.loc[3, "target"] = 0  # else all would be of both as of two models
    pool = collect(table, tmp_path / "pool").pool
    assert len(pool) == 1
    np.testing.assert_allclose(np.exp(stacked(pool, "val")[0]), PROBS[0], rtol=1e-5)
