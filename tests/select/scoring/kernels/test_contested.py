"""Contested columns: none too few, and no team needed for the rest."""

from collections.abc import Callable

import numpy as np
import pytest

from lrensemble.numerics import TIE
from lrensemble.select import Validation
from lrensemble.select.scoring.kernels import contested as module
from lrensemble.select.scoring.kernels.columns import contested_columns, rounding
from lrensemble.select.scoring.kernels.contested import contested

MakeValidation = Callable[..., Validation]


@pytest.fixture(params=["arrays", "kernel"], autouse=True)
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SMALL", np.inf if request.param == "arrays" else 0)


@pytest.mark.parametrize("kind", ["smooth", "coarse", "labels", "mixed", "sharp", "tied"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_find_what_the_kernel_finds(
    kind: str, dtype: type, make_validation: MakeValidation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed, (members, classes) in enumerate([(1, 2), (2, 3), (3, 5), (5, 4), (2, 12), (1, 20)]):
        validation = make_validation(seed, members, 37, classes, kind=kind, dtype=dtype)
        monkeypatch.setattr(module, "SMALL", 0)
        expected = contested(validation.predictions, validation.truth)
        monkeypatch.setattr(module, "SMALL", np.inf)
        found = contested(validation.predictions, validation.truth)
        for name in ("row", "row_of_column", "rival", "always_wrong"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_columns_by_hand() -> None:
    probs = np.array(
        [
            [[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7], [0.4, 0.5, 0.1]],
            [[0.5, 0.4, 0.1], [0.1, 0.2, 0.7], [0.3, 0.1, 0.6], [0.45, 0.3, 0.25]],
        ]
    )
    found = contested(np.log(probs), np.array([0, 1, 0, 1]))
    # Row 0 is won by both, row 2 lost by both; in row 1 class 2 is rival, in row 3 class 0, which beats class 2.
    assert found.row.tolist() == [1, 3]
    assert found.rival.tolist() == [2, 0]
    assert found.always_wrong.tolist() == [2]


@pytest.mark.parametrize(("label", "rival_first"), [(0, False), (1, True)])
def test_exact_ties_are_settled_by_the_lower_class(label: int, rival_first: bool) -> None:
    half = np.log(np.full((3, 1, 2), 0.5))
    found = contested(half, np.array([label]))
    assert len(found.row) == 0
    assert found.always_wrong.tolist() == ([0] if rival_first else [])


def test_a_gap_that_rounding_could_close_stays_contested() -> None:
    nearly = np.log(np.array([[[0.5 - 1e-12, 0.5 + 1e-12]]] * 2))
    assert contested(nearly, np.array([0])).rival.tolist() == [1]
    underflown = np.array([[[-800.0, -900.0, 0.0]], [[-0.1, -9.0, -9.0]]])
    # The first member gives classes 0 and 1 the same, namely nothing: alone, it ties, and class 0 wins.
    assert contested(underflown[:, :, [1, 0, 2]], np.array([1])).rival.tolist() == [0, 2]
    assert contested(underflown, np.array([0])).rival.tolist() == [2]


def test_a_rival_that_another_always_beats_is_left_out() -> None:
    probs = np.array([[[0.2, 0.3, 0.5]], [[0.6, 0.1, 0.3]]])
    assert contested(np.log(probs), np.array([0])).rival.tolist() == [2]
    # With label 1, class 2 cannot speak for class 0, which wins ties.
    assert contested(np.log(probs[:, :, [1, 0, 2]]), np.array([1])).rival.tolist() == [0, 2]


def test_columns_hold_what_members_give(make_validation: MakeValidation) -> None:
    validation = make_validation(0, 4, 30, 5)
    for consensus in ("mean", "geometric_mean", "plurality"):
        columns = contested_columns(validation, consensus)
        votes = np.eye(5)[validation.probs.argmax(axis=2)]
        values = {"mean": validation.probs, "geometric_mean": np.log(validation.probs), "plurality": votes}[consensus]
        np.testing.assert_allclose(columns.truth, values[:, columns.row, validation.truth[columns.row]].T)
        rows = columns.row[columns.row_of_column]
        everything = slice(None)
        margins = columns.truth[columns.row_of_column] - columns.rival
        shift = 1.01 * TIE * np.maximum(columns.rival, 1)  # a tie is all that they are off by
        assert (np.abs(columns.margins(everything) - margins) <= shift).all()
        assert ((columns.margins(everything) < margins) | (columns.rival == 0))[columns.rival_first].all()
        assert ((values[:, rows].transpose(1, 2, 0) == columns.rival[:, None, :]).all(axis=2)).any(axis=1).all()
        assert (columns.error(everything) == 0).all() == (consensus == "plurality")
        assert columns.rows == 30


def test_float16_counts_as_the_float32_it_is(make_validation: MakeValidation) -> None:
    validation = make_validation(1, 3, 40, 4, dtype=np.float16)
    wide = Validation(validation.predictions.astype(np.float32), validation.truth)
    narrow, same = contested_columns(validation, "mean"), contested_columns(wide, "mean")
    np.testing.assert_array_equal(narrow.rival, same.rival)
    np.testing.assert_array_equal(narrow.row, same.row)


def test_the_bound_of_rounding_grows_with_the_terms() -> None:
    assert rounding(10) < rounding(100) < 1e-12
