"""Cautions are true: the bound has its constant, measured optimism takes its place, zeros are named."""

import math

import numpy as np
import pytest

from lrensemble.select import CrossFit, Selection, Validation, caution, select
from lrensemble.select.cautions import bound_on_optimism

ROWS, CLASSES = 40, 3
LABELS = np.arange(ROWS) % CLASSES


def validation(right: float = 0.5, wrong: float = 0.25) -> Validation:
    probs = np.full((4, ROWS, CLASSES), wrong)
    probs[:, np.arange(ROWS), LABELS] = right
    return Validation(np.log(np.maximum(probs, 1e-300)), LABELS)


def selection(tried: int, metric: str = "accuracy", score: float = 0.9) -> Selection:
    return Selection((0, 2), (0.5, 0.5), score, metric, "mean", tried)


def cross_fit(score: float, standard_error: float) -> CrossFit:
    spread = standard_error / np.sqrt(2)
    return CrossFit(score, (score - spread, score + spread), repeats=1, folds=5)


@pytest.mark.parametrize(("teams", "rows"), [(16, 8), (64, 25), (1000, 40)])
def test_the_best_of_teams_without_skill_exceeds_its_expectation_by_less_than_the_bound(teams: int, rows: int) -> None:
    """A fair coin for each team and row: the expected best share of heads, exactly."""
    bound = bound_on_optimism(teams, rows, "accuracy")
    assert bound is not None
    assert bound == pytest.approx(np.sqrt(np.log(teams) / (2 * rows)))
    at_most = np.cumsum([math.comb(rows, heads) for heads in range(rows + 1)]) / 2**rows
    best = (np.arange(rows + 1) / rows) @ np.diff(np.concatenate([[0.0], at_most**teams]))
    assert best - 0.5 <= bound
    assert best - 0.5 > bound / 2, "it is not twice too wide"


def test_the_bound_is_in_the_range_of_the_metric_and_only_where_there_is_one() -> None:
    accuracy, brier = (bound_on_optimism(100, 50, metric) for metric in ("accuracy", "brier"))
    assert accuracy is not None
    assert brier == pytest.approx(2 * accuracy)
    assert bound_on_optimism(100, 50, "nll") is None
    assert bound_on_optimism(100, 50, "f1") is None, "no mean over rows"


def test_many_teams_on_few_rows() -> None:
    told = caution(validation(), selection(65_535))
    assert told == "of 65,535 teams scored on 40 rows, the best may owe up to 37.2 points of accuracy to chance"
    assert caution(validation(), selection(1)) == ""
    assert caution(validation(), selection(65_535, "nll", -0.7)) == ""


def test_measured_optimism_takes_the_place_of_the_bound() -> None:
    told = caution(validation(), selection(65_535), cross_fit(0.8, 0.05))
    assert (
        told
        == "on rows that had no say in its choice it is worse by 10.0 points of accuracy: go by the cross-fitted score"
    )
    assert caution(validation(), selection(65_535), cross_fit(0.88, 0.05)) == "", "within the standard error"
    assert caution(validation(), selection(1), cross_fit(0.8, 0.05)) == "", "one team was looked at"
    assert "it is worse by 0.1000 of nll: go" in caution(validation(), selection(9, "nll", -0.7), cross_fit(-0.8, 0.05))


def test_zeros_that_carry_the_nll_are_named() -> None:
    zeros = np.zeros((4, ROWS, CLASSES))
    zeros[:, np.arange(ROWS), np.where(np.arange(ROWS) < 10, (LABELS + 1) % CLASSES, LABELS)] = 1
    with np.errstate(divide="ignore"):
        hard = Validation(np.maximum(np.log(zeros), -1e4), LABELS)
    told = caution(hard, selection(3, "nll", -9.0))
    assert told.startswith(
        "100 % of the NLL comes from 10 rows whose label has probability zero, counted as 36 nats each"
    )
    assert caution(hard, selection(1, "brier", -0.5)) == ""
    assert caution(validation(), selection(1, "nll", -0.7)) == ""


def test_select_says_it() -> None:
    assert select(validation(), "all").caution == ""
    one = Validation(validation().predictions[:1], LABELS)
    for method in ("greedy", "brute_force", "best"):
        assert select(one, method, metric="accuracy").caution == "", "one member is one team"
