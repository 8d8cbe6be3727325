"""Paired intervals of metrics of values: losses row by row, all others by the jackknife; against the bootstrap."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.metrics import METRICS, row_values, score, serving
from lrensemble.metrics.significance import paired_means, paired_proportions, paired_scores, simultaneous_scores

Floats = NDArray[np.float64]

OUTPUTS = 2


def predictions(rows: int, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """Means and then variances [sample, 2 · output] of two predictors, the first the better one, and the truth."""
    generator = np.random.default_rng(seed)
    truth = generator.normal(size=(rows, OUTPUTS)) * [2, 30]
    common, own, other = generator.normal(size=(3, rows, OUTPUTS)) * [1, 10]
    variance = np.full((rows, OUTPUTS), [1.0, 100.0])
    first, second = truth + 0.6 * common + 0.5 * own, truth + 0.6 * common + 1.0 * other
    return np.concatenate([first, variance], axis=1), np.concatenate([second, 1.3 * variance], axis=1), truth


@pytest.mark.parametrize("metric", ["mse", "mae", "pinball(quantile=0.2)", "crps"])
def test_losses_are_compared_row_by_row(metric: str) -> None:
    first, second, truth = predictions(73)
    losses = [row_values(metric, each, truth) for each in (first, second)]
    assert losses[0] is not None
    assert losses[1] is not None
    expected = paired_means(losses[1] - losses[0])
    assert expected.value > 0, "losses are turned"
    assert vars(paired_scores(metric, first, second, truth)) == pytest.approx(vars(expected))


def test_coverage_of_one_output_is_a_proportion() -> None:
    first, second, truth = (each[:, ::OUTPUTS] for each in predictions(90))
    truth = truth[:, :1]
    within = [np.abs(each[:, :1] - truth)[:, 0] <= 0.6744897501960817 * np.sqrt(each[:, 1]) for each in (first, second)]
    found = paired_scores("coverage(level=0.5)", first, second, truth)
    assert vars(found) == pytest.approx(vars(paired_proportions(within[0], within[1])))


@pytest.mark.parametrize("rows", [90, 700])
@pytest.mark.parametrize("metric", ["rmse", "r2", "mse", "gaussian_nll"])
def test_every_metric_against_the_bootstrap(metric: str, rows: int) -> None:
    first, second, truth = predictions(rows)
    found = paired_scores(metric, first, second, truth)
    generator = np.random.default_rng(2)
    draws = [generator.integers(rows, size=rows) for _ in range(400)]
    gains = [score(metric, first[d], truth[d]) - score(metric, second[d], truth[d]) for d in draws]
    assert found.value == pytest.approx(score(metric, first, truth) - score(metric, second, truth))
    assert found.low < found.value < found.high
    # A little wider than the bootstrap's: pseudo rows, those of a log-likelihood as large as a confident mistake, and
    # Student's quantile.
    widest = 2 if metric == "gaussian_nll" else 1.5
    assert 0.9 < (found.high - found.low) / (2 * 1.96 * np.std(gains)) < widest


@pytest.mark.parametrize("metric", serving(METRICS, "values"))
def test_weights_and_groups(metric: str) -> None:
    first, second, truth = predictions(60)
    groups = np.arange(60) // 3
    copies = np.repeat(np.arange(60), 4)
    plain = paired_scores(metric, first, second, truth)
    assert vars(paired_scores(metric, first, second, truth, np.full(60, 2.0))) == pytest.approx(vars(plain), abs=1e-9)
    copied = paired_scores(metric, first[copies], second[copies], truth[copies], groups=copies)
    assert (copied.value, copied.low, copied.high) == pytest.approx((plain.value, plain.low, plain.high), abs=1e-9)
    assert paired_scores(metric, first, second, truth, groups=groups).value == pytest.approx(plain.value)


@pytest.mark.parametrize("metric", ["mse", "rmse"])
def test_a_table_is_adjusted_and_the_fixed_row_is_not(metric: str) -> None:
    first, second, truth = predictions(120)
    others = [truth.repeat(2, axis=1)[:, [0, 2, 1, 3]] + predictions(120, seed)[1] * 0.1 for seed in (4, 5)]
    alone = paired_scores(metric, first, second, truth)
    table = simultaneous_scores(metric, [others[0], first, others[1]], second, truth)
    fixed = simultaneous_scores(metric, [others[0], first, others[1]], second, truth, fixed=1)
    assert table[1].low < alone.low
    assert table[1].p_value >= alone.p_value
    assert vars(fixed[1]) == pytest.approx(vars(alone))
    assert fixed[2] == table[2]


@pytest.mark.parametrize("metric", serving(METRICS, "values"))
@pytest.mark.parametrize("rows", [1, 2])
def test_few_rows_prove_nothing(metric: str, rows: int) -> None:
    found = paired_scores(metric, *predictions(rows))
    assert found.low <= found.value <= found.high
    assert found.p_value > 0.05


@pytest.mark.parametrize("metric", serving(METRICS, "values"))
def test_the_same_predictor_twice(metric: str) -> None:
    first, _, truth = predictions(30)
    found = paired_scores(metric, first, first, truth)
    assert (found.value, found.p_value) == (0.0, 1.0)


@pytest.mark.parametrize("metric", ["mse", "rmse", "r2"])
def test_the_level_is_held_where_rows_are_few(metric: str) -> None:
    """Two predictors as good as one another: at most about 5 % of intervals exclude zero."""
    generator = np.random.default_rng(6)
    missed = 0
    for _ in range(200):
        truth = generator.normal(size=(25, 1)) * 2
        common, own, other = generator.standard_t(5, size=(3, 25, 1))
        found = paired_scores(metric, truth + common + own, truth + common + other, truth)
        missed += found.low > 0 or found.high < 0
    assert missed <= 14
