"""Tables of comparisons: bounds that hold by definition, and the level of simulated tables."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.metrics.significance import mcnemar_exact, paired_means, simultaneous


def p_values(*comparisons: NDArray[np.float64], scale: float = 0.0) -> list[float]:
    return [one.p_value for one in simultaneous(np.array(comparisons), scale=scale)]


def test_one_comparison_needs_no_adjustment() -> None:
    differences = np.random.default_rng(0).normal(0.3, 1.0, size=41)
    assert simultaneous(differences[None])[0] == paired_means(differences)


def test_comparisons_without_relation() -> None:
    """Of K independent comparisons, the smallest p-value is below p with a chance of 1 - (1 - p)^K."""
    generator = np.random.default_rng(1)
    differences = generator.normal(size=(5, 4001))
    differences[2] += 0.03
    alone = [paired_means(row).p_value for row in differences]
    for plain, adjusted in zip(alone, p_values(*differences), strict=True):
        assert adjusted == pytest.approx(1 - (1 - plain) ** 5, abs=0.02)


def test_copies_are_one_comparison() -> None:
    """Where methods chose the same team, nothing was tried twice."""
    differences = np.random.default_rng(2).normal(0.1, 1.0, size=900)
    plain = paired_means(differences)
    found = simultaneous(np.tile(differences, (6, 1)))
    assert found[0].p_value == pytest.approx(plain.p_value, abs=0.005)
    assert found[0].low == pytest.approx(plain.low, abs=0.02 * (plain.high - plain.low))


@pytest.mark.parametrize("discrete", [True, False])
def test_between_the_plain_p_value_and_bonferroni(discrete: bool) -> None:
    generator = np.random.default_rng(3)
    draws = generator.choice([-1.0, 0.0, 1.0], p=[0.03, 0.85, 0.12], size=(4, 150))
    differences = draws if discrete else draws * generator.exponential(size=draws.shape)
    found = simultaneous(differences, scale=1.0)
    for row, one in zip(differences, found, strict=True):
        alone = paired_means(row, scale=1.0)
        plain = mcnemar_exact(row > 0, row < 0) if discrete else alone.p_value
        assert plain <= one.p_value <= min(1.0, 4 * plain)
        bonferroni = paired_means(row, scale=1.0, confidence=1 - 0.05 / 4)
        assert bonferroni.low - 1e-9 <= one.low < alone.low
        assert alone.high < one.high <= bonferroni.high + 1e-9


def test_the_reference_itself_in_the_table_costs_nothing() -> None:
    differences = np.random.default_rng(10).normal(0.1, 1.0, size=(2, 211))
    assert p_values(*differences, *np.zeros((5, 211)))[:2] == pytest.approx(p_values(*differences), abs=0.01)


def test_the_order_of_methods_does_not_matter() -> None:
    differences = np.random.default_rng(4).normal(0.1, 1.0, size=(3, 211))
    ahead, behind = p_values(*differences), p_values(*differences[::-1])
    assert ahead == pytest.approx(behind[::-1], abs=0.01)


def test_the_fixed_comparison_stays_as_it_is() -> None:
    differences = np.random.default_rng(5).normal(0.15, 1.0, size=(6, 170))
    every, fixed = simultaneous(differences), simultaneous(differences, fixed=4)
    assert vars(fixed[4]) == pytest.approx(vars(paired_means(differences[4])))
    assert every[4].p_value > fixed[4].p_value
    assert every[4].low < fixed[4].low
    assert [*every[:4], every[5]] == [*fixed[:4], fixed[5]]


def test_the_seed_decides() -> None:
    differences = np.random.default_rng(6).normal(0.15, 1.0, size=(6, 170))
    assert simultaneous(differences, seed=3) == simultaneous(differences, seed=3)
    assert simultaneous(differences, seed=3) != simultaneous(differences, seed=4)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_nothing_differs(rows: int) -> None:
    for one in simultaneous(np.zeros((3, rows)), scale=1.0, limit=1.0):
        assert (one.value, one.p_value) == (0.0, 1.0)
        assert -1 <= one.low < 0 < one.high <= 1


def test_groups_and_weights_reach_the_table() -> None:
    differences = np.random.default_rng(7).choice([-1.0, 0.0, 1.0], p=[0.05, 0.75, 0.2], size=(3, 60))
    groups = np.repeat(np.arange(60), 5)
    copied = simultaneous(np.repeat(differences, 5, axis=1), groups=groups, scale=1.0, seed=1)
    weighted = simultaneous(differences, np.full(60, 0.2), scale=1.0, seed=1)
    for one, other in zip(copied, weighted, strict=True):
        assert vars(one) == pytest.approx(vars(other))


@pytest.mark.parametrize(
    ("rows", "discordant"),
    [(20, 0.2), *(pytest.param(*each, marks=pytest.mark.long) for each in ((50, 0.2), (300, 0.04)))],
)
def test_level_of_tables_of_correctness(rows: int, discordant: float) -> None:
    """Seven methods that gain nothing, alike as teams of one pool are: at most 5 % of tables hold a finding."""
    generator = np.random.default_rng(8)
    found = plain = 0
    for table in range(120):
        common, own = generator.random(rows), generator.random((7, rows))
        latent = np.where(generator.random((7, rows)) < 0.6, common, own)
        differences = (latent > 1 - discordant / 2).astype(float) - (latent < discordant / 2)
        judged = simultaneous(differences, scale=1.0, limit=1.0, seed=table)
        found += any(one.p_value < 0.05 for one in judged)
        plain += any(mcnemar_exact(row > 0, row < 0) < 0.05 for row in differences)
    assert found <= 6  # 5 % of 120
    assert plain > found


def test_nan_is_refused() -> None:
    with pytest.raises(PredictionsError, match="the difference in row 2 is nan"):
        simultaneous(np.array([[0.0, 1.0, 2.0, 3.0], [0.0, 1.0, np.nan, 3.0]]))
