"""Arrays, tensors, frames and data sets of torch are data as they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, TensorDataset

from lrensemble.config import SplitSettings, to_record
from lrensemble.config.experiment import DataSettings
from lrensemble.data import load
from lrensemble.errors import DataError
from lrensemble.front.arrays import as_source, holds_arrays

X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
Y = np.arange(30) % 3


class Pairs(Dataset[tuple[torch.Tensor, int]]):
    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        return torch.from_numpy(X[place]), int(Y[place])


class Endless(Dataset[int]):
    def __getitem__(self, place: int) -> int:
        return place


def frame() -> Any:
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(X, columns=list("abcd")).assign(kind=Y)


def read(given: Any) -> Any:
    assert holds_arrays(given)
    return load(to_record(DataSettings, as_source(given), "test"), SplitSettings())


@pytest.mark.parametrize(
    "make",
    [
        lambda: (X, Y),
        lambda: (torch.from_numpy(X).requires_grad_(), torch.from_numpy(Y)),
        lambda: (X.tolist(), Y.tolist()),
        lambda: (frame()[list("abcd")], frame()["kind"]),
        lambda: (frame(), "kind"),
        lambda: (pytest.importorskip("polars").DataFrame(frame().to_dict("list")), "kind"),
        lambda: (pytest.importorskip("pyarrow").table(frame().to_dict("list")), "kind"),
        lambda: {"X": X, "y": Y},
        lambda: TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)),
        Pairs,
    ],
)
def test_all_are_the_same_rows(make: Callable[[], Any]) -> None:
    found = read(make())
    np.testing.assert_allclose(found.inputs, X)
    assert found.truth.tolist() == Y.tolist()
    assert found.target.names == ("0", "1", "2")
    assert found.name.startswith("data_")


def test_test_rows_texts_and_numbers_to_learn() -> None:
    brought = read({"x": X, "y": Y, "x_test": X[:6], "y_test": Y[:6]})
    assert len(brought.rows["test"]) == 6
    named = read((X, np.array(["b", "a", "c"], dtype=object)[Y]))
    assert named.target.names == ("a", "b", "c")
    values = read((torch.from_numpy(X).to(torch.bfloat16), X[:, 0].astype(np.float64)))
    assert values.target.kind == "values"


def test_columns_of_frames_keep_their_names_and_go_by_them() -> None:
    given = frame()
    assert read((given, "kind")).features == tuple("abcd")
    assert read((X, Y)).features is None
    turned = read({"x": given[list("abcd")], "y": Y, "x_test": given[list("dacb")].iloc[:6], "y_test": Y[:6]})
    np.testing.assert_array_equal(turned.inputs[turned.rows["test"]], X[:6])
    pandas = pytest.importorskip("pandas")
    numbered = pandas.DataFrame(X).assign(kind=Y)
    np.testing.assert_allclose(read((numbered, "kind")).inputs, X)
    assert read((given[list("abcd")], given[["kind"]])).truth.tolist() == Y.tolist()
    with pytest.raises(DataError, match="data: x_test has no column 'd', of 'a', 'b', 'c'"):
        as_source({"x": given[list("abcd")], "y": Y, "x_test": given[list("abc")], "y_test": Y})


def test_columns_of_one_name_stay_beside_the_one_to_learn() -> None:
    found = read((frame().set_axis([*"aabc", "kind"], axis=1), "kind"))
    np.testing.assert_allclose(found.inputs, X)
    assert found.features is None


def test_other_rows_have_another_name() -> None:
    assert as_source((X, Y)) == as_source((X.copy(), Y.copy()))
    assert as_source((X, Y)) != as_source((X + 1, Y))


@pytest.mark.parametrize(
    "given", ["digits", {"name": "digits"}, {"name": "npz", "file": "x.npz"}, Path("folder"), None]
)
def test_names_are_no_arrays(given: Any) -> None:
    assert not holds_arrays(given)


def test_tables_of_arrow_are_arrays() -> None:
    table = pytest.importorskip("pyarrow").table({"a": [1.0]})
    assert holds_arrays({"x": table, "y": table})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((X, Y, X), "data of 3 parts are refused"),
        ((X, Y[:4]), "data: 30 inputs but 4 labels"),
        ((X, "kind"), "data have no column 'kind' to learn"),
        (([[1.0, 2.0], [3.0]], [0, 1]), "data: x: rows differ in length"),
        (({"a": X}, Y), "data: inputs are object"),
        (Endless(), "Endless has no rows that can be counted"),
        ((np.ma.masked_array(X, X > 2), Y), "data: x: some values are masked"),
        ((X, np.ma.masked_array(Y, Y == 2)), "data: some values are masked, and so are none; fill them in"),
        ({"x": X, "z": Y}, "must hold exactly one of y, labels, y_train"),
    ],
)
def test_what_does_not_fit_is_one_line(given: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        as_source(given)
    assert "\n" not in str(caught.value)
