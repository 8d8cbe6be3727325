"""Every team of a small pool by whole arrays: accuracy and likelihood as defined, through ties and underflow."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.numerics import SMALLEST_PROBABILITY
from lrensemble.select import Validation
from lrensemble.select.scoring.kernels.columns import contested_columns
from lrensemble.select.scoring.kernels.exhaustive.arrays import counts, log_likelihoods, wrong_rows

KINDS = ["smooth", "coarse", "labels", "mixed", "sharp", "tied"]


@pytest.mark.parametrize("consensus", ["mean", "plurality"])
@pytest.mark.parametrize("kind", KINDS)
def test_wrong_rows_are_those_of_the_definition(
    kind: str,
    consensus: str,
    make_validation: Callable[..., Validation],
    score_all: Callable[..., NDArray[np.float64]],
) -> None:
    for members in (1, 2, 3, 6):
        validation = make_validation(members, members, 61, 4, kind=kind)
        columns = contested_columns(validation, consensus)
        lost = counts(wrong_rows(columns), np.ones(len(columns.row)), 2**members)
        accuracy = (61 - len(columns.always_wrong) - lost) / 61
        np.testing.assert_allclose(accuracy[1:], score_all(validation, "accuracy", consensus)[1:], atol=1e-12)


def test_rows_are_counted_by_their_weights() -> None:
    """Nine teams and three bytes, more rows than a plane of bits holds, and weights that are no whole numbers."""
    generator = np.random.default_rng(0)
    wrong = generator.random((77, 17)) < 0.7
    bits = np.packbits(wrong, axis=1, bitorder="little")
    for times in (np.ones(77), generator.integers(0, 4, 77).astype(float), generator.random(77), np.zeros(77)):
        np.testing.assert_allclose(counts(bits, times, 17), times @ wrong, atol=1e-12)


@pytest.mark.parametrize("members", [1, 2, 5, 8])
def test_likelihoods_are_the_mean_of_the_logarithms(members: int) -> None:
    """Of rows that nobody gives anything, of some below what counts, and of more rows than are multiplied together."""
    generator = np.random.default_rng(members)
    values = generator.uniform(0.001, 1, size=(members, 97))
    values[:, ::11] *= 1e-14
    values[: members // 2, ::17] = 0.0
    values[:, 5] = 0.0
    weights = np.array([1.0, 1.0, 0.5, 3.0])[np.arange(97) % 4]
    teams: Any = (np.arange(1, 1 << members)[:, None] >> np.arange(members) & 1).astype(np.float64)
    logs = np.log(np.maximum(teams @ values / teams.sum(axis=1, keepdims=True), SMALLEST_PROBABILITY))
    np.testing.assert_allclose(log_likelihoods(values, weights)[1:], logs @ weights / weights.sum(), rtol=1e-12)


def test_products_stay_in_the_range_of_float64() -> None:
    """A thousand rows that nobody gives anything: no product of them is a number but by its exponent."""
    scores = log_likelihoods(np.zeros((3, 1000)), np.ones(1000))
    np.testing.assert_allclose(scores[1:], np.log(SMALLEST_PROBABILITY), rtol=1e-12)
