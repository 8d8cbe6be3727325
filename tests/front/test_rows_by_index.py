"""What pandas knows of rows goes by its index where that says which row is which, and never by place against it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lrensemble
from lrensemble.errors import DataError
from lrensemble.front.adopted import as_rows
from lrensemble.front.arrays import as_source
from lrensemble.spec import Spec

pandas = pytest.importorskip("pandas")

X = np.arange(8, dtype=np.float64).reshape(4, 2)
Y = np.array([0, 1, 2, 1])
NAMES = ["d", "b", "a", "c"]


def frame(index: Any = None) -> Any:
    return pandas.DataFrame(X, columns=["u", "v"], index=index)


def column(index: Any = None) -> Any:
    return pandas.Series(Y, index=index)


def taken(x: Any, y: Any) -> list[int]:
    """The truth in the order of the inputs, by all three ways in."""
    found, _ = as_rows((x, y))
    tested, _ = as_rows({"x_val": X, "y_val": Y, "x_test": x, "y_test": y})
    assert found["y_val"].ravel().tolist() == tested["y_test"].ravel().tolist()
    as_given, by_place = as_source((x, y)), as_source((x, found["y_val"].copy()))
    assert isinstance(as_given["source"], Spec)
    assert as_given == by_place
    return list(map(int, found["y_val"].ravel()))


def test_rows_with_names_go_by_them() -> None:
    y = column(NAMES)
    assert taken(frame(NAMES), y) == Y.tolist()
    assert taken(frame(NAMES), y.sort_index()) == Y.tolist()
    assert taken(frame(NAMES), y[::-1].to_frame()) == Y.tolist()
    assert taken(frame([7, 3, 9, 5]), column([7, 3, 9, 5])[::-1]) == Y.tolist()


def test_rows_that_were_counted_go_by_place_beside_names() -> None:
    assert taken(frame(NAMES), column()) == Y.tolist()
    assert taken(frame(), column([12, 40, 7, 3])) == Y.tolist()
    assert taken(frame(NAMES), column(range(60, 64))) == Y.tolist()
    assert taken(frame(range(60, 64)), column(pandas.date_range("2020", periods=4)[::-1])) == Y.tolist()
    assert taken(X, column()[::-1]) == Y[::-1].tolist()
    assert taken(frame(), column()[::-1].to_numpy()) == Y[::-1].tolist()


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (frame(), column()[::-1], r"the same rows in another order \(3, 2, 1, …\) than the inputs \(0, 1, 2, …\)"),
        (frame()[::-1], column(), r"the same rows in another order \(0, 1, 2, …\)"),
        (frame(NAMES), column(list("wxyz")), r"other rows \(w, x, y, …\) than .*give those of the same rows, or"),
        (frame(list("aabc")), column(list("abac")), "other rows"),
        (frame([70, 71, 72, 73]), column(range(60, 64)), "other rows"),
        (frame(["63", "62", "61", "60"]), column(range(60, 64)), "other rows"),
    ],
)
def test_an_order_that_may_be_meant_both_ways_is_refused(x: Any, y: Any, message: str) -> None:
    for attempt in (lambda: as_source((x, y)), lambda: as_rows({"x_val": x, "y_val": y})):
        with pytest.raises(DataError, match=message) as caught:
            attempt()
        assert "\n" not in str(caught.value)


def test_scores_are_of_the_rows_that_are_meant() -> None:
    said = pandas.DataFrame(np.eye(3)[Y] * 0.7 + 0.1, index=NAMES)
    weights = pandas.Series([1.0, 2.0, 3.0, 4.0], index=NAMES)
    right = lrensemble.score("nll", said.to_numpy(), Y)
    assert lrensemble.score("nll", said, column(NAMES).sort_index(), weights[::-1]) == pytest.approx(right)
    with pytest.raises(DataError, match="truth has by its index the same rows in another order"):
        lrensemble.score("nll", said.reset_index(drop=True), column()[::-1])
