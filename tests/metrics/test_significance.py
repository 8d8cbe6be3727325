"""Paired interval and exact test, against scipy and by hand."""

import numpy as np
import pytest
from scipy import stats

from lrensemble.metrics.significance import mcnemar_exact, paired_bootstrap


def test_interval_agrees_with_scipy() -> None:
    differences = np.random.default_rng(3).normal(0.1, 1.0, size=257)
    ours = paired_bootstrap(differences, seed=1)
    theirs = stats.bootstrap((differences,), np.mean, method="percentile", rng=np.random.default_rng(2))
    assert ours.value == pytest.approx(differences.mean())
    # Two random resamplings of the same rows: they agree to the Monte Carlo error of a quantile.
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.01)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.01)


def test_correctness_is_drawn_like_any_other_difference() -> None:
    differences = np.repeat([-1.0, 0.0, 1.0], [13, 300, 31])
    ours = paired_bootstrap(differences)
    spread = np.sqrt(differences.var() / len(differences))
    assert ours.value == pytest.approx(18 / 344)
    assert ours.low == pytest.approx(ours.value - 1.96 * spread, abs=0.005)
    assert ours.high == pytest.approx(ours.value + 1.96 * spread, abs=0.005)


def test_the_seed_decides() -> None:
    differences = np.random.default_rng(0).normal(size=50)
    assert paired_bootstrap(differences, seed=5) == paired_bootstrap(differences, seed=5)
    assert paired_bootstrap(differences, seed=5) != paired_bootstrap(differences, seed=6)


def test_one_row_and_no_difference_have_an_interval_of_no_width() -> None:
    assert paired_bootstrap(np.array([0.25])).low == 0.25
    assert paired_bootstrap(np.zeros(9)).high == 0.0


@pytest.mark.parametrize(
    ("first_only", "second_only", "both", "p_value"),
    [
        (0, 0, 7, 1.0),
        (1, 0, 3, 1.0),
        (5, 0, 0, 2 / 2**5),
        (0, 5, 0, 2 / 2**5),
        (6, 1, 9, 2 * (1 + 7) / 2**7),
        (4, 4, 1, 1.0),
    ],
)
def test_mcnemar_by_hand(first_only: int, second_only: int, both: int, p_value: float) -> None:
    correct = np.repeat([True, False, True], [first_only, second_only, both])
    reference = np.repeat([False, True, True], [first_only, second_only, both])
    assert mcnemar_exact(correct, reference) == pytest.approx(p_value)
