"""Rows that adopted models predict: from arrays, from a data set, or from the recipes of the pool's own members."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.adopt.linear import X_TEST, Y_TEST, X, Y, build, rows

import lrensemble
from lrensemble.adopt import rows_of
from lrensemble.errors import AdoptError, DataError, PoolError


@pytest.mark.parametrize(
    ("inputs", "labels"), [("x_val", "y_val"), ("X_val", "y"), ("x", "labels"), ("X", "y")], ids=lambda name: name
)
def test_arrays_by_the_names_that_people_use(tmp_path: Path, inputs: str, labels: str) -> None:
    found = rows_of(tmp_path / "pool", {inputs: X, labels: Y})
    assert list(found.raw) == ["val"]
    np.testing.assert_array_equal(found.raw["val"], X)
    np.testing.assert_array_equal(found.pool.truth("val"), Y)
    assert (found.inputs.shape, found.inputs.dtype) == ((2,), "float64")
    assert (found.inputs.mean, found.inputs.std) == ((0.0, 0.0), (1.0, 1.0))


def test_test_rows_are_a_split_of_their_own(tmp_path: Path) -> None:
    found = rows_of(tmp_path / "pool", rows())
    assert {name: len(each) for name, each in found.raw.items()} == {"val": len(X), "test": len(X_TEST)}
    np.testing.assert_array_equal(found.pool.truth("test"), Y_TEST)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("uint8", "uint8"), ("int64", "float32"), ("float32", "float32"), ("float16", "float32"), ("float64", "float64")],
)
def test_types_of_images(tmp_path: Path, dtype: str, expected: str) -> None:
    images = np.ones((5, 3, 4, 2), dtype)
    found = rows_of(tmp_path / "pool", {"x_val": images, "y_val": Y})
    assert (found.inputs.shape, found.inputs.dtype, len(found.inputs.mean)) == ((3, 4, 2), expected, 3)


def test_texts_are_names_of_classes(tmp_path: Path) -> None:
    names = np.array(["cat", "dog", "emu"])
    found = rows_of(tmp_path / "pool", {"x_val": X, "y_val": names[Y]})
    assert found.pool.task.target.names == ("cat", "dog", "emu")
    np.testing.assert_array_equal(found.pool.truth("val"), Y)
    again = rows_of(tmp_path / "pool", {"x_val": X, "y_val": names[Y]})
    assert again.pool.task == found.pool.task


def test_classes_that_no_row_has_are_named(tmp_path: Path) -> None:
    data = {"x_val": X, "y_val": Y, "classes": np.array(["cat", "dog", "emu", "fox"])}
    assert rows_of(tmp_path / "pool", data).pool.task.target.width == 4


def test_values(tmp_path: Path) -> None:
    found = rows_of(tmp_path / "pool", {"x_val": X, "y_val": X.sum(axis=1) + 0.125})
    assert found.pool.task.target.kind == "values"
    np.testing.assert_array_equal(found.pool.truth("val")[:, 0], X.sum(axis=1) + 0.125)


def test_the_rows_of_members_that_were_trained_here(tmp_path: Path) -> None:
    experiment = {"data": "digits", "model": "mlp(width=4)", "policy": ["constant(peak=0.1)"]}
    pool = lrensemble.tune(experiment, tmp_path / "pool", epochs=1)
    found = rows_of(tmp_path / "pool", None)
    assert {name: len(each) for name, each in found.raw.items()} == {
        name: split.size for name, split in pool.task.splits.items()
    }
    assert found.inputs == pool.members()[0].inputs


def test_the_rows_of_members_that_were_trained_on_files(tmp_path: Path) -> None:
    folder, labels = tmp_path / "my data", np.tile(np.arange(3), 20)
    folder.mkdir()
    np.savez(folder / "rows.npz", x=np.eye(3)[labels], y=labels)
    experiment = {
        "data": {"name": "npz", "file": "rows.npz"},
        "model": "mlp(width=4)",
        "policy": ["constant(peak=0.1)"],
        "train": {"epochs": 1, "batch_size": 8},
    }
    pool = lrensemble.tune(experiment, tmp_path / "pool", data=folder)
    result = lrensemble.adopt(tmp_path / "pool", build((3,), 3), data=str(folder))
    assert (result[0].new, len(pool)) == (True, 2)
    np.testing.assert_array_equal(rows_of(tmp_path / "pool", folder).pool.truth("val"), pool.truth("val"))
    np.savez(folder / "rows.npz", x=np.eye(3)[labels] + 1, y=labels)
    with pytest.raises(DataError, match="these are not the rows that the member was trained on"):
        rows_of(tmp_path / "pool", folder)


def test_another_truth_is_refused(tmp_path: Path) -> None:
    rows_of(tmp_path / "pool", rows())
    with pytest.raises(PoolError, match=r"has 5 val rows, and the data given have 5, or another truth"):
        rows_of(tmp_path / "pool", rows(y_val=Y[::-1]))
    with pytest.raises(PoolError, match=r"has 3 test rows, and the data given have none"):
        rows_of(tmp_path / "pool", {"x_val": X, "y_val": Y})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"images": X, "y_val": Y}, r"data have no x_val \(or X_val, x, X\); they have images, y_val"),
        ({"x_val": X}, r"data have no y_val \(or y, labels\); they have x_val"),
        (rows(y_test=Y), r"test: inputs have shape \(3, 2\) and truth \(5,\)"),
        ({"x_val": X[:, 0], "y_val": Y}, r"val: inputs have shape \(5,\)"),
        ({"x_val": X, "y_val": Y, "x_test": X}, r"data have no y_test"),
        (None, r"does not say which rows to predict: give data, such as"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, data: Any, message: str) -> None:
    with pytest.raises(AdoptError, match=message):
        rows_of(tmp_path / "pool", data)
    assert not (tmp_path / "pool").exists()


def test_fractions_are_no_classes(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        rows_of(tmp_path / "pool", {"x_val": X, "y_val": Y + 0.5}, "classes")
