"""Fixed rules beyond the mean and the vote, by hand and against scipy; and what is true of every mean."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from lrensemble.consensus import combine
from lrensemble.errors import SpecError
from lrensemble.metrics import brier, nll


@pytest.fixture
def probs() -> NDArray[np.float64]:
    return np.random.default_rng(0).dirichlet(np.ones(4), size=(5, 9))


def normalised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values / values.sum(axis=1, keepdims=True))


class TestMedian:
    def test_of_equal_members(self, probs: NDArray[np.float64]) -> None:
        for members in (probs, probs[:4]):
            np.testing.assert_allclose(combine("median", members), normalised(np.asarray(np.median(members, axis=0))))

    def test_weights_are_repetitions(self, probs: NDArray[np.float64]) -> None:
        repeated = np.repeat(probs, [3, 1, 2, 1, 1], axis=0)
        np.testing.assert_allclose(combine("median", probs, [3, 1, 2, 1, 1]), combine("median", repeated))

    def test_certain_members_that_all_differ_leave_the_mean(self) -> None:
        certain = np.eye(4)[[[0, 0], [1, 2], [2, 0]]]
        np.testing.assert_allclose(combine("median", certain), np.array([[1 / 3, 1 / 3, 1 / 3, 0], [1, 0, 0, 0]]))


class TestTrimmedMean:
    def test_whole_members(self, probs: NDArray[np.float64]) -> None:
        expected = normalised(np.asarray(stats.trim_mean(probs, 0.2, axis=0)))
        np.testing.assert_allclose(combine("trimmed_mean(trim=0.2)", probs), expected)
        np.testing.assert_allclose(combine("trimmed_mean(trim=0)", probs), probs.mean(axis=0))

    def test_parts_of_members(self) -> None:
        probs = np.array([[[0.9, 0.1]], [[0.5, 0.5]], [[0.2, 0.8]]])
        # A third each; a quarter is cut at each end, so the outer two keep a twelfth and the middle one its third.
        first = (0.9 / 12 + 0.5 / 3 + 0.2 / 12) * 2
        np.testing.assert_allclose(combine("trimmed_mean(trim=0.25)", probs), [[first, 1 - first]])

    def test_half_is_refused(self) -> None:
        with pytest.raises(SpecError, match=r"trim = 0\.5 is refused: input should be less than 0\.5"):
            combine("trimmed_mean(trim=0.5)", np.full((2, 3, 4), 0.25))


def test_borda_by_hand() -> None:
    probs = np.array([[[0.5, 0.3, 0.2]], [[0.1, 0.45, 0.45]], [[0.0, 1.0, 0.0]]])
    points = np.array([[3, 2, 1], [1, 2.5, 2.5], [1.5, 3, 1.5]])
    np.testing.assert_allclose(
        combine("borda", probs, [1, 2, 1]), np.average(points, axis=0, weights=[1, 2, 1])[None] / 6
    )


def test_borda_against_ranks(probs: NDArray[np.float64]) -> None:
    coarse = np.round(probs, 1) / np.round(probs, 1).sum(axis=2, keepdims=True)
    ranks = stats.rankdata(coarse, axis=2)
    np.testing.assert_allclose(combine("borda", coarse), ranks.mean(axis=0) / 10)


def test_product_and_maximum_by_hand() -> None:
    probs = np.array([[[0.6, 0.3, 0.1]], [[0.2, 0.7, 0.1]]])
    np.testing.assert_allclose(combine("product", probs, [3, 1]), np.array([[12, 21, 1]]) / 34)
    np.testing.assert_allclose(combine("maximum", probs, [3, 1]), np.array([[6, 7, 1]]) / 14)
    np.testing.assert_allclose(combine("maximum", probs, [1, 0]), probs[0])


@st.composite
def predictions(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Probabilities [member, sample, class], labels [sample] and weights [member] that sum to one."""
    members, rows, classes = draw(st.integers(1, 5)), draw(st.integers(1, 7)), draw(st.integers(2, 6))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    # Not where NLL clips, for Jensen's inequality does not hold there.
    probs = np.maximum(generator.dirichlet(np.full(classes, 0.3), size=(members, rows)), 1e-12)
    return (
        probs / probs.sum(axis=2, keepdims=True),
        generator.integers(classes, size=rows),
        generator.dirichlet(np.ones(members)),
    )


@settings(max_examples=60, deadline=None)
@given(case=predictions())
def test_the_mean_scores_better_than_its_members_by_their_spread(
    case: tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]],
) -> None:
    """Ambiguity of Krogh & Vedelsby 1995, exact for the Brier score; for NLL a gap by Jensen's inequality."""
    probs, labels, weights = case
    out = combine("mean", probs, weights)
    of_members = weights @ [brier(member, labels) for member in probs]
    spread = np.einsum("m,msc->", weights, (probs - out) ** 2) / len(labels)
    assert brier(out, labels) == pytest.approx(of_members - spread, abs=1e-12)
    assert nll(out, labels) <= weights @ [nll(member, labels) for member in probs] + 1e-12
    pooled = combine("geometric_mean", probs, weights)
    assert nll(pooled, labels) <= weights @ [nll(member, labels) for member in probs] + 1e-9
