"""Tables to predict from: columns are found by the names that they had in training, whatever stands beside them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.command import Command

import lrensemble
from lrensemble.config import Experiment, Inputs, to_record
from lrensemble.errors import DataError
from lrensemble.evaluate import choose, save
from lrensemble.export import Ensemble, ensemble_of
from lrensemble.export.metadata import inputs_of
from lrensemble.export.readers import read
from lrensemble.pool import Pool
from lrensemble.train import tune

pytest.importorskip("pyarrow", reason="pyarrow is not installed")

NAMES = ("height", "=weight", "x")
INPUTS = Inputs(shape=(3,), dtype="float32", mean=(0.0,) * 3, std=(1.0,) * 3, features=NAMES)
ROWS = [[1.5, 2.0, -3.0], [4.0, 5.25, 6.0]]


def rows_of(path: Path, text: str) -> list[list[float]]:
    path.write_text(text)
    return np.concatenate(list(read(path, INPUTS))).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("same.csv", "height,=weight,x\n1.5,2,-3\n4,5.25,6\n"),
        ("turned.csv", "ill,x,=weight,height\nyes,-3,2,1.5\nno,6,5.25,4\n"),
        ("more.csv", "id,height,=weight,image,x\n7,1.5,2,3,-3\n8,4,5.25,3,6\n"),
        ("rows.jsonl", '{"x": -3, "id": 7, "height": 1.5, "=weight": 2}\n[4, 5.25, 6]\n'),
        ("under.jsonl", '{"x": [1.5, 2, -3]}\n{"inputs": [4, 5.25, 6]}\n'),
    ],
)
def test_columns_are_found_by_their_names(tmp_path: Path, name: str, text: str) -> None:
    assert rows_of(tmp_path / name, text) == ROWS


def test_truth_values_are_numbers_as_in_training(tmp_path: Path) -> None:
    assert rows_of(tmp_path / "a.csv", "height,=weight,x\ntrue,2,9007199254740993\n") == [[1.0, 2.0, 2.0**53]]


def test_lines_without_features_of_training_go_by_the_names_of_the_first(tmp_path: Path) -> None:
    path, nameless = tmp_path / "a.jsonl", INPUTS.model_copy(update={"features": None})
    path.write_text(
        '{"b": 1, "of": "a", "a": 2, "c": 3}\n{"a": 5, "b": 4, "c": 6}\n[7, 8, 9]\n{"c": 12, "a": 11, "b": 10}\n'
    )
    assert np.concatenate(list(read(path, nameless))).tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]
    assert np.concatenate(list(read(path, nameless, range(3, 4)))).tolist() == [[10, 11, 12]]
    path.write_text('{"x": 1, "image": 2, "c": 3}\n{"x": [7, 8, 9]}\n{"c": 6, "image": 5, "x": 4}\n')
    assert np.concatenate(list(read(path, nameless))).tolist() == [[1, 2, 3], [7, 8, 9], [4, 5, 6]]
    path.write_text('{"x": "a"}\n')
    with pytest.raises(DataError, match="line 1 holds no row of numbers"):
        list(read(path, nameless))
    path.write_text('[1, 2, 3]\n{"a": 4, "b": 5, "c": 6}\n')
    with pytest.raises(DataError, match="line 2 names features, and neither training nor the first line did"):
        list(read(path, nameless))
    path.write_text('{"a": 1, "b": 2, "c": 3}\n{"a": 4, "b": 5, "d": 6}\n')
    with pytest.raises(DataError, match="line 2 has column 'c' not at all"):
        list(read(path, nameless))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "height,weight,x\n1,2,3\n", r"column '=weight' not at all, of 'height', 'weight', 'x'; the ensemble"),
        ("a.csv", "height,=weight,x,x\n1,2,3,4\n", "column 'x' twice or more"),
        ("a.csv", "1,2,3\n4,5,6\n", "takes 'height', '=weight', 'x', by these names and in any order"),
        ("a.csv", "height,=weight,x\n1,2,many\n", "column 'x' holds string, no numbers; encode it as in training"),
        ("a.csv", "height,=weight,x\n1,2,3\n1,,3\n", "row 1 holds a value that is not finite"),
        ("a.jsonl", '{"height": 1, "=weight": 2}\n', "line 1 has column 'x' not at all"),
        ("a.jsonl", '{"height": 1, "=weight": 2, "x": null}\n', "line 1 holds no row of numbers"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows_of(tmp_path / name, text)


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("höhe,x\n1,2\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"a\.csv is no CSV table that can be read: .*codec can't decode"):
        list(read(tmp_path / "a.csv", INPUTS))


def test_the_place_of_a_row_in_a_long_table(tmp_path: Path) -> None:
    lines = ["1,2,3"] * 5000 + ["1,nan,3"]
    with pytest.raises(DataError, match="row 5000 holds a value that is not finite"):
        rows_of(tmp_path / "long.csv", "\n".join(["height,=weight,x", *lines]))


def test_a_table_without_names_of_features_goes_by_order(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("c,b,a\n1,2,3\n")
    unnamed = INPUTS.model_copy(update={"features": None})
    assert next(iter(read(tmp_path / "a.csv", unnamed))).tolist() == [[1.0, 2.0, 3.0]]


def test_one_name_for_each_feature() -> None:
    with pytest.raises(ValueError, match=r"2 names of features for inputs of shape \(3,\)"):
        Inputs(shape=(3,), dtype="float32", mean=(0.0,) * 3, std=(1.0,) * 3, features=("a", "b"))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "data.csv"
    values = np.random.default_rng(0).normal(size=(60, 3)) * [1, 10, 100]
    rows = [[*row, "yes" if row[0] + row[1] / 10 > 0 else "no"] for row in values.tolist()]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([[*NAMES, "ill"], *rows])
    return path


def test_they_travel_from_the_training_to_a_bundle(table: Path, tmp_path: Path, command: Command) -> None:
    content: dict[str, Any] = {
        "data": {"name": "table", "file": table.name, "folder": table.parent, "target": "ill"},
        "model": "mlp(width=3)",
        "policy": ["constant(peak=0.1)", "constant(peak=0.2)"],
        "train": {"epochs": 1, "batch_size": 8},
    }
    list(tune(to_record(Experiment, content, "test"), tmp_path / "pool"))
    pool = Pool.open(tmp_path / "pool")
    team = choose(pool, "all", folds=2)
    save(pool, team)
    ensemble = ensemble_of(pool, team)
    ensemble.save(tmp_path / "ensemble")
    inputs = Ensemble.load(tmp_path / "ensemble").description.inputs
    assert inputs.features == NAMES
    assert json.loads(json.dumps(inputs_of(inputs)))["features"] == list(NAMES)
    with table.open() as file:
        rows = [row[::-1] for row in csv.reader(file)]  # the truth comes first, and the features the other way round
    with (tmp_path / "turned.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    outcome = command("predict", tmp_path / "ensemble", tmp_path / "turned.csv")
    assert outcome.status == 0, outcome.err
    found = [[float(row["p:no"]), float(row["p:yes"])] for row in csv.DictReader(io.StringIO(outcome.out))]
    given = np.array([row[:0:-1] for row in rows[1:]], dtype=np.float32)
    np.testing.assert_allclose(found, ensemble.predict_proba(given), rtol=0, atol=1e-6)
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.read_csv(tmp_path / "turned.csv")
    np.testing.assert_array_equal(ensemble.predict_proba(frame), ensemble.predict_proba(given))
    np.testing.assert_array_equal(lrensemble.predict(ensemble, frame).said, ensemble.predict_proba(given))
    with pytest.raises(DataError, match="frame has no column 'x', of"):
        lrensemble.predict(ensemble, frame.drop(columns="x"))
