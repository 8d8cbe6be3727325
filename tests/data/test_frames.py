"""Frames of pandas, polars and arrow: names of their columns, and columns by these names."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from lrensemble.data.frames import is_frame, names_of, numbers_in
from lrensemble.errors import DataError

pandas = pytest.importorskip("pandas", reason="pandas is not installed")

COLUMNS = {"b": [1, 2, 3], "a": [0.5, -1.0, 2.25], "sure": [True, False, True]}
EXPECTED = [[0.5, 1.0, 1.0], [-1.0, 2.0, 0.0], [2.25, 3.0, 1.0]]
"""Rows of the columns a, b, sure."""


def frame_of(tool: str) -> Any:
    made = import_module(tool)
    return made.table(COLUMNS) if tool == "pyarrow" else made.DataFrame(COLUMNS)


@pytest.mark.parametrize("tool", ["pandas", "polars", "pyarrow"])
def test_columns_are_taken_by_their_names(tool: str) -> None:
    pytest.importorskip(tool)
    frame = frame_of(tool)
    assert is_frame(frame)
    assert names_of(frame) == ("b", "a", "sure")
    assert numbers_in(frame, ("a", "b", "sure"), "frame").tolist() == EXPECTED
    assert numbers_in(frame, ("b",), "frame").tolist() == [[1], [2], [3]]
    assert numbers_in(frame, None, "frame")[:, :2].tolist() == [[1.0, 0.5], [2.0, -1.0], [3.0, 2.25]]


@pytest.mark.parametrize("given", [np.zeros((2, 3)), [[1.0]], {"a": [1]}, pandas.Series([1]), "a.csv", None])
def test_all_else_is_no_frame(given: object) -> None:
    assert not is_frame(given)


@pytest.mark.parametrize("columns", [[0, 1], ["a", 1], ["a", "a"]])
def test_columns_without_names_of_their_own_go_by_order(columns: list[Any]) -> None:
    frame = pandas.DataFrame([[1.0, 2.0]], columns=columns)
    assert names_of(frame) is None
    assert numbers_in(frame, None, "frame").tolist() == [[1.0, 2.0]]


def test_numbered_columns_stand_for_names_by_their_order_and_no_others_do() -> None:
    frame = pandas.DataFrame([[1.0, 2.0, 3.0]])
    assert numbers_in(frame, ("a", "b", "c"), "frame").tolist() == [[1.0, 2.0, 3.0]]
    partly = frame.set_axis(["b", 1, "a"], axis=1)
    assert numbers_in(partly, ("a", "b"), "frame").tolist() == [[3.0, 1.0]]
    for columns, message in ((["b", "a", "a"], "frame has two columns 'a'; give"), (["b", 1, 2], "no column 'a', of")):
        with pytest.raises(DataError, match=message):
            numbers_in(frame.set_axis(columns, axis=1), ("a", "b", "c"), "frame")


def test_a_column_may_have_the_name_of_a_method() -> None:
    frame = pandas.DataFrame({"columns": [1.0], "select": [2.0], "column_names": [3.0]})
    assert numbers_in(frame, ("select", "column_names", "columns"), "frame").tolist() == [[2.0, 3.0, 1.0]]


def test_whole_numbers_with_a_gap_have_nan_there() -> None:
    frame = pandas.DataFrame({"a": pandas.array([1, None], dtype="Int64"), "b": pandas.Series([True, 2], dtype=object)})
    np.testing.assert_array_equal(numbers_in(frame, ("b", "a"), "frame"), [[1, 1], [2, np.nan]])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a", "c"), "frame has no column 'c', of 'b', 'a', 'sure'; give a frame with 'a', 'c', by these names"),
        (("kind",), "frame: column 'kind' holds object, no numbers; encode it as numbers"),
    ],
)
def test_what_is_missing_is_named(names: tuple[str, ...], message: str) -> None:
    frame = pandas.DataFrame(COLUMNS)
    if "kind" in names:
        frame = frame.assign(kind=pandas.Series(["x", "y", "z"], dtype=object))
    with pytest.raises(DataError, match=re.escape(message)):
        numbers_in(frame, names, "frame")
