"""What stands beside every search: best single, top-k, all, and the best group that differs by seed alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.pools import blocks, pool_of, said

from lrensemble.evaluate import choose, evaluate
from lrensemble.evaluate.baselines import baselines
from lrensemble.pool import MemberRecord, Pool, Task

VAL, TEST, CLASSES = 120, 180, 4

FOUR = ((0.0, 0.1), (0.2, 0.4), (0.5, 0.8), (0.55, 0.9))


def trained(folder: Path, recipes: list[dict[str, object] | None], wrong: tuple[tuple[float, float], ...]) -> Pool:
    """A pool of members with these recipes, each wrong on a share of the rows."""
    rows = {"val": np.arange(VAL), "test": np.arange(VAL, VAL + TEST)}
    labels = {split: np.arange(len(ids)) % CLASSES for split, ids in rows.items()}
    task = Task.of("four", [f"class {i}" for i in range(CLASSES)], rows=rows, labels=labels)
    pool = Pool.create(folder, task, labels)
    said_on = {split: [said(of, one, CLASSES, 0.7) for one in blocks(len(of), wrong)] for split, of in labels.items()}
    for order, recipe in enumerate(recipes):
        record = MemberRecord(id=f"m{order}", order=order, name=f"m{order}", recipe=recipe)
        pool.add(record, {split: np.log(probs[order]).astype(np.float32) for split, probs in said_on.items()})
    return pool


def recipe(rate: float, seed: int) -> dict[str, object]:
    return {"policy": {"name": "constant", "value": rate}, "train": {"epochs": 2, "seed": seed}}


def four(folder: Path) -> Pool:
    labels = [np.arange(rows) % CLASSES for rows in (VAL, TEST)]
    probs = [np.stack([said(of, one, CLASSES, 0.7) for one in blocks(len(of), FOUR)]) for of in labels]
    return pool_of(folder, (labels[0], probs[0]), (labels[1], probs[1]), names=("a", "b", "c", "d"))


def test_without_teams_they_aim_at_what_teams_would(tmp_path: Path) -> None:
    found = baselines(four(tmp_path), [])
    assert [(team.method, team.metric, team.consensus) for team in found] == [
        ("best", "nll", "mean"),
        ("top_k", "nll", "mean"),
        ("all", "nll", "mean"),
    ]


def test_they_aim_at_every_metric_that_teams_aim_at(tmp_path: Path) -> None:
    pool = four(tmp_path)
    teams = [choose(pool, "greedy", metric=metric, folds=0) for metric in ("brier", "accuracy")]
    found = baselines(pool, teams)
    assert [(team.method, team.metric) for team in found] == [
        (method, metric) for metric in ("accuracy", "brier") for method in ("best", "top_k", "all")
    ]


def test_what_was_chosen_by_a_user_is_not_added_again(tmp_path: Path) -> None:
    pool = four(tmp_path)
    teams = [choose(pool, "top_k(k=2)", folds=0), choose(pool, "best", metric="accuracy", folds=0)]
    found = {(team.method, team.metric) for team in baselines(pool, teams)}
    assert found == {("best", "nll"), ("all", "nll"), ("top_k", "accuracy"), ("all", "accuracy")}


def test_they_are_combined_as_the_teams_are_where_these_agree(tmp_path: Path) -> None:
    pool = four(tmp_path)
    plurality = choose(pool, "greedy(size=3)", metric="accuracy", consensus="plurality", folds=0)
    mean = choose(pool, "brute_force", metric="accuracy", folds=0)
    assert {team.consensus for team in baselines(pool, [plurality])} == {"plurality"}
    assert {team.consensus for team in baselines(pool, [plurality, mean])} == {"mean"}


def test_a_consensus_that_learns_is_learned_for_each_of_them(tmp_path: Path) -> None:
    pool = four(tmp_path)
    found = {
        team.method: team
        for team in baselines(pool, [choose(pool, "greedy(size=3, bootstrap=0)", consensus="tempered", folds=0)])
    }
    assert all(team.consensus.startswith("tempered(") and "temperature=" in team.consensus for team in found.values())
    assert found["best"].consensus != found["all"].consensus


def test_they_are_not_cross_fitted_and_never_judged(tmp_path: Path) -> None:
    pool = four(tmp_path)
    assert all(team.cross_fitted is None for team in baselines(pool, []))
    result = evaluate(pool, [choose(pool, "top_k(k=2)", metric="accuracy")])
    assert result.verdict.method in (None, "top_k(k=2)")


def test_members_that_differ_by_seed_alone_are_a_deep_ensemble(tmp_path: Path) -> None:
    """Two groups of seeds: those of rate 0.1 err on rows of their own, those of 0.2 on the same rows."""
    recipes = [recipe(0.2, 0), recipe(0.1, 0), recipe(0.2, 1), recipe(0.1, 1), recipe(0.3, 0)]
    wrong = ((0.0, 0.3), (0.0, 0.3), (0.0, 0.3), (0.3, 0.6), (0.0, 0.1))
    pool = trained(tmp_path, list(recipes), wrong)
    (seeds,) = [team for team in baselines(pool, []) if team.method == "seeds"]
    assert seeds.team == ("m1", "m3")
    assert seeds.weights == (0.5, 0.5)
    assert seeds.tried == 2, "two groups were looked at"
    halves = 0.4 * np.log(0.7) + 0.6 * np.log((0.7 + 0.1) / 2)
    assert seeds.score == pytest.approx(halves, abs=1e-6)


def test_groups_of_equal_score_go_to_the_first(tmp_path: Path) -> None:
    recipes = [recipe(0.1, 0), recipe(0.2, 0), recipe(0.2, 1), recipe(0.1, 1)]
    pool = trained(tmp_path, list(recipes), ((0.0, 0.2),) * 4)
    (seeds,) = [team for team in baselines(pool, []) if team.method == "seeds"]
    assert seeds.team == ("m0", "m3")


@pytest.mark.parametrize(
    "recipes",
    [
        [None, None, None],
        [recipe(0.1, 0), recipe(0.2, 0), recipe(0.3, 1)],
        [{"policy": {"name": "constant", "value": 0.1}}, {"policy": {"name": "constant", "value": 0.1}}, None],
        [recipe(0.1, 0), {**recipe(0.1, 1), "train": {"epochs": 3, "seed": 1}}, None],
    ],
    ids=["trained elsewhere", "other policies", "no settings", "other epochs"],
)
def test_without_a_group_of_seeds_there_is_no_such_team(
    tmp_path: Path, recipes: list[dict[str, object] | None]
) -> None:
    pool = trained(tmp_path, recipes, ((0.0, 0.2), (0.1, 0.3), (0.2, 0.4)))
    assert [team.method for team in baselines(pool, [])] == ["best", "top_k", "all"]


def test_seeds_stand_in_the_result_with_the_gain_that_they_have(tmp_path: Path) -> None:
    recipes = [recipe(0.1, seed) for seed in range(3)]
    wrong = ((0.0, 0.2), (0.2, 0.4), (0.4, 0.6))
    pool = trained(tmp_path, list(recipes), wrong)
    result = evaluate(pool, [choose(pool, "best", metric="accuracy")])
    assert result.teams["seeds"].test.accuracy == 1.0
    assert result.teams["seeds"].gain["accuracy"].value == pytest.approx(0.2)
    assert list(result.teams)[-1] == "seeds", "what no selector makes comes last"
