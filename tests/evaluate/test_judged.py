"""Which team is judged is fixed on val by its cross-fitted score; order and names have no say."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.pools import SMALL, blocks, pool_of, said

from lrensemble.evaluate import Team, choose, judged
from lrensemble.evaluate.judged import cheapest, metrics_of, standard_error

PRICES = {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0, "e": 5.0}


def team(
    members: str,
    cross_fitted: float | None,
    *,
    method: str = "greedy",
    metric: str = "accuracy",
    replicates: tuple[float, ...] = (),
    score: float = 0.0,
) -> Team:
    return Team(
        method=method,
        metric=metric,
        consensus="mean",
        seed=0,
        pool=tuple("abcde"),
        team=tuple(members),
        weights=tuple(1 / len(members) for _ in members),
        score=score,
        cross_fitted=cross_fitted,
        replicates=replicates,
        tried=1,
        seconds=0.0,
    )


SINGLE = team("a", 0.80, method="best")


def test_the_best_cross_fitted_team_is_judged_and_not_the_one_that_scores_best_on_its_own_rows() -> None:
    lucky, honest = team("abc", 0.81, score=0.99), team("bcd", 0.85, score=0.86)
    assert cheapest([lucky, honest, SINGLE], SINGLE, PRICES) is honest


def test_of_teams_within_one_standard_error_of_the_best_the_cheapest_is_judged() -> None:
    """The difference of the replicates of `large` and `small` is +0.02 or -0.02: a standard error of 0.0231."""
    large = team("abcd", 0.850, replicates=(0.86, 0.84, 0.86, 0.84))
    small = team("bc", 0.830, replicates=(0.84, 0.86, 0.84, 0.86))
    far = team("cd", 0.820, replicates=(0.82, 0.84, 0.82, 0.84))
    assert standard_error(large, small) == pytest.approx(0.04 * np.sqrt(1 / 3) / 1)
    assert cheapest([large, small, far], SINGLE, PRICES) is small
    alike = team("cd", 0.820, replicates=(0.83, 0.81, 0.83, 0.81))
    assert standard_error(large, alike) == pytest.approx(0.0, abs=1e-12), "it is always 0.03 worse"
    assert cheapest([large, alike], SINGLE, PRICES) is large


def test_cost_is_that_of_the_members_and_not_their_number() -> None:
    dear = team("ae", 0.84, replicates=(0.84, 0.83))
    cheap = team("abc", 0.84, replicates=(0.83, 0.84))
    assert cheapest([dear, cheap], SINGLE, PRICES) is cheap
    assert cheapest([dear, cheap], SINGLE, dict.fromkeys("abcde", 1.0)) is dear


def test_a_team_of_one_is_no_team_and_one_below_the_single_model_neither() -> None:
    assert cheapest([team("b", 0.95)], SINGLE, PRICES) is None
    assert cheapest([team("bc", 0.79), team("cd", 0.80)], SINGLE, PRICES) is None
    assert cheapest([team("bc", 0.801)], SINGLE, PRICES) is not None


def test_teams_that_were_not_cross_fitted_stand_behind_those_that_were() -> None:
    plain, honest = team("bc", None, score=0.99), team("cd", 0.81, score=0.82)
    assert cheapest([plain, honest], SINGLE, PRICES) is honest
    single = team("a", None, method="best", score=0.9)
    assert cheapest([plain], single, PRICES) is plain, "where none was, the score on its own rows decides"


def test_neither_order_nor_names_have_a_say() -> None:
    values = ((0.85, "bc"), (0.85, "cd"), (0.84, "bcd"))
    found = set()
    for names in itertools.permutations(["greedy", "backward", "zeta"]):
        teams = [team(members, value, method=name) for name, (value, members) in zip(names, values, strict=True)]
        found |= {chosen.team for order in itertools.permutations(teams) if (chosen := cheapest(order, SINGLE, PRICES))}
    assert found == {("b", "c")}


def test_the_usual_metric_comes_first_whatever_was_chosen_first() -> None:
    teams = [team("ab", 0.9, metric=metric) for metric in ("accuracy", "brier", "nll")]
    for order in itertools.permutations(teams):
        assert metrics_of(order) == ["nll", "accuracy", "brier"]


def test_a_pool_is_judged_by_each_metric_against_the_best_single_model_by_it(tmp_path: Path) -> None:
    """`sure` has the best accuracy and says so too loudly; `modest` has the best NLL."""
    labels = np.tile(np.arange(3), 40)
    right = blocks(120, ((0.0, 0.2), (0.2, 0.45), (0.5, 0.9)))
    probs = np.stack([said(labels, one, 3, sure) for one, sure in zip(right, (0.9999, 0.75, 0.7), strict=True)])
    pool = pool_of(tmp_path, (labels, probs), (labels, probs), names=("sure", "modest", "weak"))
    names = {member.id: member.name for member in pool.members()}
    teams = [choose(pool, method, metric=metric) for method in ("all", SMALL) for metric in ("accuracy", "nll")]
    by_nll, by_accuracy = judged(pool, teams)
    assert (by_nll.metric, by_accuracy.metric) == ("nll", "accuracy")
    assert names[by_nll.single.team[0]] == "modest"
    assert names[by_accuracy.single.team[0]] == "sure"
