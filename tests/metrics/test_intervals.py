"""Paired intervals: the definition written slowly, published examples, weights and groups, and what they hold."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from lrensemble.errors import PredictionsError
from lrensemble.metrics.significance import CONFIDENT_MISTAKE, paired_means, paired_proportions
from lrensemble.metrics.significance.means import pivots
from lrensemble.metrics.significance.units import units_of


def signs(first_only: int, second_only: int, same: int) -> NDArray[np.float64]:
    return np.repeat([1.0, -1.0, 0.0], [first_only, second_only, same])


def pair(differences: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return differences >= 0, differences <= 0


@pytest.mark.parametrize("scale", [0.0, 9.0])
def test_two_rows_are_added(scale: float) -> None:
    differences = np.random.default_rng(1).exponential(size=37) - 0.7
    most = max(scale, np.abs(differences).max())
    longer = np.append(differences, [most, -most])
    freedom = min(36, 2 * 39 / (stats.kurtosis(longer, fisher=False) - 1))
    half = stats.t.ppf(0.95, freedom) * longer.std() / np.sqrt(39)
    found = paired_means(differences, scale=scale, confidence=0.9)
    assert found.value == pytest.approx(differences.mean())
    assert (found.low, found.high) == pytest.approx((longer.mean() - half, longer.mean() + half))


@pytest.mark.parametrize(
    ("first_only", "second_only", "same", "low", "high"),
    [
        # Airway hyper-responsiveness, 1 and 7 of 21: (2 - 8) / 23 ± 1.96 sqrt((10 / 23 - (6 / 23)²) / 23).
        (1, 7, 13, -0.5084, -0.0134),
        # Complete response, 6 and 16 of 161: (7 - 17) / 163 ± 1.96 sqrt((24 / 163 - (10 / 163)²) / 163).
        (6, 16, 139, -0.1195, -0.0032),
    ],
)
def test_bonett_and_price(first_only: int, second_only: int, same: int, low: float, high: float) -> None:
    """With the normal quantile, the interval of Bonett & Price (2012) for the examples of Fagerland et al. (2014)."""
    normal = replace(
        pivots(units_of(signs(first_only, second_only, same)[None]), scale=1.0), freedom=np.array([np.inf])
    )
    lows, highs = normal.limits(0.95)
    assert (lows[0], highs[0]) == pytest.approx((low, high), abs=6e-5)


def test_proportions_are_means_of_correctness_with_the_exact_p_value() -> None:
    differences = signs(9, 2, 33)
    ours = paired_proportions(*pair(differences))
    longer = np.append(differences, [1.0, -1.0])
    half = stats.t.ppf(0.975, 43) * longer.std() / np.sqrt(46)
    assert (ours.value, ours.low, ours.high) == pytest.approx((7 / 44, 7 / 46 - half, 7 / 46 + half))
    assert ours.p_value == pytest.approx(2 * (1 + 11 + 55) / 2**11)


@pytest.mark.parametrize("rows", [1, 2, 3, 20, 1000])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_proportions_always_have_an_interval(rows: int, share: float) -> None:
    found = paired_proportions(*pair(np.full(rows, share)))
    assert -1 <= found.low < found.high <= 1
    assert found.low <= found.value <= found.high


def test_no_difference_and_no_scale() -> None:
    found = paired_means(np.zeros(9))
    assert (found.value, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert paired_means(np.zeros(9), scale=2.0).low < 0


def test_one_row_proves_nothing() -> None:
    found = paired_means(np.array([5.0]))
    assert found.value == 5.0
    assert found.low < 0
    assert found.p_value > 0.05


def test_interval_and_p_value_say_the_same() -> None:
    generator = np.random.default_rng(2)
    verdicts = set()
    for _ in range(200):
        found = paired_means(generator.normal(0.3, 1.0, size=23), weights=generator.random(23))
        verdicts.add(found.p_value < 0.05)
        assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)
    assert verdicts == {True, False}


def test_weights() -> None:
    differences = np.random.default_rng(3).normal(size=31)
    assert vars(paired_means(differences, np.full(31, 2.5))) == pytest.approx(vars(paired_means(differences)))
    some = np.arange(31) < 19
    assert vars(paired_means(differences, some.astype(float))) == pytest.approx(vars(paired_means(differences[:19])))
    weighted = paired_means(np.array([1.0, -2.0, 4.0]), np.array([1.0, 2.0, 0.5]))
    assert weighted.value == pytest.approx((1 - 4 + 2) / 3.5)


def test_groups_of_copies_count_once() -> None:
    """Rows that were copied tell no more than they did."""
    differences = np.random.default_rng(4).exponential(size=29)
    names = np.array([f"patient {i}" for i in range(29)])
    copied = paired_means(np.repeat(differences, 7), groups=np.repeat(names, 7))
    assert vars(copied) == pytest.approx(vars(paired_means(differences)))
    none = paired_proportions(np.ones(29 * 7, bool), np.ones(29 * 7, bool), groups=np.repeat(names, 7))
    assert none.high == pytest.approx(paired_proportions(np.ones(29, bool), np.ones(29, bool)).high)


def test_one_group_says_no_more_than_one_row() -> None:
    differences = np.random.default_rng(5).normal(size=40) + 1
    alone = paired_means(differences, groups=np.zeros(40, int))
    assert alone.low < 0 < alone.high
    assert alone.p_value > 0.2
    right = signs(30, 2, 8)
    assert not paired_proportions(*pair(right), groups=np.array(["a"] * 40)).low > 0


@pytest.mark.parametrize(("sizes", "common"), [((99, 1), 0.3), ((99, 1), 0.9), ((97, 1, 1, 1), 0.9)])
def test_a_group_that_outweighs_the_others_does_not_pass_for_many_rows(sizes: tuple[int, ...], common: float) -> None:
    """Rows share a part of their variance within a group; without the correction 26 to 68 of 100 intervals hold 0."""
    generator, groups = np.random.default_rng(3), np.repeat(np.arange(len(sizes)), sizes)
    held = 0
    for _ in range(200):
        of_group = generator.normal(size=len(sizes), scale=np.sqrt(common))
        rows = of_group[groups] + generator.normal(size=len(groups), scale=np.sqrt(1 - common))
        found = paired_means(rows, groups=groups)
        held += found.low <= 0 <= found.high
    assert held >= 170


def test_groups_of_one_row_are_rows() -> None:
    differences = np.random.default_rng(5).normal(size=17)
    assert vars(paired_means(differences, groups=np.arange(17)[::-1])) == pytest.approx(vars(paired_means(differences)))


@pytest.mark.parametrize(("rows", "discordant"), list(product([20, 50], [0.01, 0.05, 0.2])))
@pytest.mark.parametrize("gain", [0.0, 0.5, 1.0])
def test_coverage_of_accuracy_summed_exactly(rows: int, discordant: float, gain: float) -> None:
    up, down = discordant * (1 + gain) / 2, discordant * (1 - gain) / 2
    held = 0.0
    for first, second in product(range(min(rows, 16) + 1), repeat=2):
        chance = stats.multinomial.pmf([first, second, rows - first - second], rows, [up, down, 1 - discordant])
        if first + second <= rows and chance > 1e-5:
            found = paired_proportions(*pair(signs(first, second, rows - first - second)))
            held += chance * (found.low <= up - down <= found.high)
    assert held >= 0.93


@pytest.mark.parametrize(("rows", "least"), [(50, 0.90), (200, 0.93)])
def test_coverage_of_rare_large_losses(rows: int, least: float) -> None:
    """Like a good network against an ensemble: 5 % of the rows are lost dearly, all others hardly differ."""
    generator = np.random.default_rng(6)
    size = (600, rows)
    rare = np.where(generator.random(size) < 0.05, generator.exponential(4.0, size=size), 0.0)
    losses = rare + generator.normal(0.0, 0.02, size=size)
    found = [paired_means(row, scale=CONFIDENT_MISTAKE) for row in losses]
    assert np.mean([one.low <= 0.2 <= one.high for one in found]) >= least


@pytest.mark.parametrize(
    ("differences", "weights", "groups", "message"),
    [
        (np.zeros(0), None, None, "no rows to compare"),
        (np.array([0.0, np.nan, 1.0]), None, None, "the difference in row 1 is nan; give finite values"),
        (np.array([0.0, np.inf]), None, None, "the difference in row 1 is inf"),
        (np.zeros((3, 2)), None, None, "differences have 2 axes for a comparison; give one value a row"),
        (np.zeros(3), np.ones(4), None, r"weights have shape \(4,\); there are 3 rows, so give \[3\]"),
        (np.zeros(3), np.array([1.0, -1.0, 1.0]), None, "weights of rows are negative"),
        (np.zeros(3), np.zeros(3), None, "all zero"),
        (np.zeros(3), None, np.zeros((3, 1)), r"groups have shape \(3, 1\); there are 3 rows"),
    ],
)
def test_errors(differences: np.ndarray, weights: np.ndarray | None, groups: np.ndarray | None, message: str) -> None:
    with pytest.raises(PredictionsError, match=message):
        paired_means(differences, weights, groups)


def test_proportions_of_other_rows_are_refused() -> None:
    with pytest.raises(PredictionsError, match=r"\(4,\) rows are compared with \(5,\); give the same rows of both"):
        paired_proportions(np.ones(4, bool), np.ones(5, bool))
