"""The correlation of ranks is that of scipy, with ties and without."""

import numpy as np
import pytest
import scipy.stats

from lrensemble.report.ranks import rank_correlation


@pytest.mark.parametrize("values", [3, 8, 1000])
def test_equal_to_scipy(values: int) -> None:
    generator = np.random.default_rng(values)
    for _ in range(5):
        one, other = generator.integers(values, size=(2, 57)) / 7
        assert rank_correlation(one, other) == pytest.approx(scipy.stats.spearmanr(one, other).statistic, abs=1e-12)


def test_by_hand() -> None:
    rising = np.array([1.0, 5.0, 9.0])
    assert rank_correlation(rising, rising**3) == pytest.approx(1)
    assert rank_correlation(rising, -rising) == pytest.approx(-1)
    # Ranks 1, 2, 3 and 1.5, 1.5, 3: covariance 1.5, variances 2 and 1.5.
    assert rank_correlation(rising, np.array([2.0, 2.0, 4.0])) == pytest.approx(1.5 / (2 * 1.5) ** 0.5)


def test_one_that_is_constant_goes_with_nothing() -> None:
    assert rank_correlation(np.full(4, 0.5), np.arange(4.0)) == 0
