"""With default arguments every selector chooses from any pool, and says where it did not look at all teams."""

import itertools
import json
import math
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.errors import SelectionError
from lrensemble.select import SELECTORS, Validation, select, team_score
from lrensemble.targets import Classes, Labels

DEFAULT_LIST = ("best", "top_k", "all", "random", "greedy", "brute_force", "focal")
SLOW_FROM = {"stacking": 40}
"""A regression on so many members is left to those with time."""
FEWER = 9
"""As many members are enough where it is not the point of a test that there are sixteen of them: 511 teams."""
OF_SIXTEEN = ("focal_fq", "hierarchical", "diversity_threshold", "pareto")
"""Selectors that make tables of all teams of at most sixteen members: any larger pool is as another."""
MANY = 40
"""Members of the largest of the small pools."""


def each_name_and_size() -> list[Any]:
    """Arguments of the test of every selector on every size: one of each kind, and the others for those with time."""
    short, others = [(1, 1), (1, 20), (2, 1), (22, 20), (MANY, 37)], [(2, 20), (3, 20), (16, 20)]
    return [
        pytest.param(
            name, *size, marks=[pytest.mark.long] * (size in others or (size[0] == MANY and name in OF_SIXTEEN))
        )
        for name, size in itertools.product(SELECTORS, [*short, *others])
    ]


def validation_of(members: int, rows: int, classes: int = 5, *, labels_only: bool = False) -> Validation:
    """Members of different skill whose errors are partly shared."""
    generator = np.random.default_rng(members)
    labels = generator.integers(classes, size=rows)
    logits = generator.normal(size=(members, rows, classes)) + generator.normal(size=(1, rows, classes))
    logits[:, np.arange(rows), labels] += generator.uniform(1, 2.5, size=(members, 1))
    probs = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    if labels_only:
        target = Classes(names=tuple(map(str, range(classes))))
        return Validation([Labels(one.argmax(axis=1)) for one in probs], labels, target=target)
    return Validation(np.log(probs).astype(np.float32), labels)


def assert_a_team(validation: Validation, name: str, metric: str) -> None:
    found = select(validation, name, metric=metric, seed=1)
    assert found.team == tuple(sorted(set(found.team)))
    assert set(found.team) <= set(range(validation.members))
    assert len(found.team) == len(found.weights) >= 1
    assert math.isclose(sum(found.weights), 1)
    score = team_score(validation, found.team, found.weights, metric=metric, consensus=found.consensus)
    assert found.score == pytest.approx(score, abs=1e-12)
    json.dumps(dict(found.details))
    again = select(validation, name, metric=metric, seed=1)
    assert (again.team, again.weights, again.tried, again.details) == (
        found.team,
        found.weights,
        found.tried,
        found.details,
    )


@pytest.fixture
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of all teams are made of fewer members."""
    monkeypatch.setattr(import_module("lrensemble.select.methods.shared.reduced"), "TABLE_MEMBERS", FEWER)


@pytest.mark.usefixtures("fewer")
@pytest.mark.parametrize(("name", "members", "rows"), each_name_and_size())
def test_every_selector_on_every_size(name: str, members: int, rows: int) -> None:
    if members >= SLOW_FROM.get(name, 999):
        pytest.skip("a regression on many members")
    assert_a_team(validation_of(members, rows), name, "nll")


@pytest.mark.parametrize("name", list(SELECTORS))
@pytest.mark.parametrize(("members", "classes"), [(1, 2), (2, 2), (11, 3), pytest.param(19, 3, marks=pytest.mark.long)])
def test_members_that_know_only_labels(name: str, members: int, classes: int) -> None:
    if name == "simplex":
        with pytest.raises(SelectionError, match="member 0 knows only labels, which cannot serve nll"):
            select(validation_of(members, 20, classes, labels_only=True), name, metric="accuracy")
        return
    assert_a_team(validation_of(members, 20, classes, labels_only=True), name, "accuracy")


@pytest.mark.parametrize("name", DEFAULT_LIST)
@pytest.mark.parametrize(("members", "rows", "classes"), [(128, 60, 5), (512, 60, 5), (70, 11, 1000)])
def test_the_methods_of_every_sweep_on_large_pools(name: str, members: int, rows: int, classes: int) -> None:
    assert_a_team(validation_of(members, rows, classes), name, "nll")


def test_tables_of_teams_are_made_of_the_sixteen_best_members() -> None:
    assert len(select(validation_of(23, 41), "diversity_threshold").details["among"]) == 16


@pytest.mark.usefixtures("fewer")
@pytest.mark.parametrize("name", ["focal_fq", "hierarchical", "diversity_threshold", "pareto"])
def test_tables_of_teams_are_made_of_the_best_members(name: str) -> None:
    assert_among_the_best(name, FEWER)


def test_lists_of_teams_are_made_of_the_sixteen_best_members() -> None:
    assert_among_the_best("focal", 16)


def assert_among_the_best(name: str, count: int) -> None:
    validation = validation_of(23, 41)
    own = np.array([team_score(validation, (member,), metric="accuracy") for member in range(23)])
    best = tuple(sorted(np.argsort(-own, kind="stable")[:count].tolist()))
    found = select(validation, name, metric="accuracy")
    assert found.details["among"] == list(best)
    assert found.details["complete"] is False
    part = Validation(validation.predictions[list(best)], validation.truth)
    alone = select(part, name, metric="accuracy")
    assert found.team == tuple(best[member] for member in alone.team)
    assert "among" not in alone.details
    if name == "pareto":
        for point, of_part in zip(found.details["front"], alone.details["front"], strict=True):
            assert point["team"] == [best[member] for member in of_part["team"]]


def test_the_members_that_are_looked_at_keep_their_costs() -> None:
    plain = validation_of(18, 29)
    cost = np.linspace(9, 1, 18)
    validation = Validation(plain.predictions, plain.truth, cost=tuple(cost.tolist()))
    front = select(validation, "pareto(against='cost')").details["front"]
    assert [point["cost"] for point in front] == pytest.approx([cost[point["team"]].sum() for point in front])


def test_focal_takes_as_many_members_as_have_few_enough_teams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("lrensemble.select.methods.focal"), "LIMIT", 4000)
    validation = validation_of(80, 31)
    pairs = select(validation, "focal(max_size=2)")
    assert "among" not in pairs.details
    assert pairs.tried == 80 * 79 // 2
    found = select(validation, "focal(max_size=3)")
    members = len(found.details["among"])
    assert math.comb(members, 2) + math.comb(members, 3) == found.tried <= 4000
    assert math.comb(members + 1, 2) + math.comb(members + 1, 3) > 4000
    assert len(select(validation, "focal(min_size=20)").team) >= 20
    with pytest.raises(SelectionError, match=r"above the limit of 65,536; lower max_size"):
        select(validation, "focal(max_size=3, limit=65536)")


def best_of_all_teams(validation: Validation, metric: str, sizes: range) -> float:
    """By the exhaustive search, which a limit brings back."""
    arguments = f"min_size={sizes[0]}, max_size={sizes[-1]}, limit={2**validation.members}"
    found = select(validation, f"brute_force({arguments})", metric=metric)
    assert found.details["search"] == "exhaustive"
    return found.score


@pytest.mark.parametrize("metric", ["nll", "brier"])
def test_brute_force_gives_way_to_branch_and_bound(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("lrensemble.select.methods.shared.exhaustive"), "ALWAYS", 100)
    monkeypatch.setattr(import_module("lrensemble.select.methods.shared.exhaustive"), "TEAMS_TIMES_ROWS", 1)
    validation = validation_of(13, 67)
    found = select(validation, "brute_force", metric=metric)
    assert (found.details["search"], found.details["complete"]) == ("branch_and_bound", True)
    assert found.score == pytest.approx(best_of_all_teams(validation, metric, range(1, 14)), abs=1e-12)
    small = select(validation, "brute_force(min_size=6, max_size=8)", metric=metric)
    assert 6 <= len(small.team) <= 8
    assert small.score == pytest.approx(best_of_all_teams(validation, metric, range(6, 9)), abs=1e-12)


def test_brute_force_gives_way_to_beam_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("lrensemble.select.methods.shared.exhaustive"), "TEAMS_TIMES_ROWS", 1)
    validation = validation_of(17, 60, 3)
    found = select(validation, "brute_force", metric="accuracy")
    assert (found.details["search"], found.details["complete"]) == ("beam", False)
    assert found.score <= best_of_all_teams(validation, "accuracy", range(1, 18))
    assert found.score >= select(validation, "beam", metric="accuracy").score
    wide = select(validation, "brute_force(min_size=3)", metric="accuracy")
    assert len(wide.team) >= 3


def test_where_branch_and_bound_does_not_end_its_bound_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("lrensemble.select.methods.brute_force"), "NODES_TIMES_NUMBERS", 1)
    validation = validation_of(20, 500)
    found = select(validation, "brute_force")
    assert (found.details["search"], found.details["complete"]) == ("beam", False)
    exact = best_of_all_teams(validation, "nll", range(1, 21))
    assert found.score <= exact <= found.details["bound"]
    assert found.details["gap"] == found.details["bound"] - found.score > 0


def test_scores_without_a_kernel_give_way_much_earlier() -> None:
    validation = validation_of(14, 800)
    assert select(validation, "brute_force", metric="nll").details["search"] == "exhaustive"
    found = select(validation, "brute_force", metric="nll", consensus="majority")
    assert found.details["search"] == "beam"
    assert len(select(validation, "pareto", metric="nll", consensus="majority").details["among"]) == 10


def test_a_limit_still_reaches_every_team() -> None:
    validation = validation_of(22, 3)
    found = select(validation, f"brute_force(limit={2**22})")
    assert (found.tried, found.details["search"], found.details["complete"]) == (2**22 - 1, "exhaustive", True)


@pytest.mark.parametrize("name", ["backward", "anneal(steps=20)"])
def test_local_searches_begin_with_the_best_members(name: str) -> None:
    validation = validation_of(131, 17)
    own = np.array([team_score(validation, (member,)) for member in range(131)])
    worst = set(np.argsort(-own, kind="stable")[128:].tolist())
    found = select(validation, name)
    assert len(found.details["among"]) == 128
    assert not worst & set(found.details["among"])
    assert set(found.team) <= set(found.details["among"])


def growing_twin(validation: Validation, width: int) -> tuple[NDArray[np.float64], list[tuple[int, ...]]]:
    """Beam search, slowly: the best score of each size, and its team."""
    kept: list[tuple[int, ...]] = [()]
    scores, teams = [], []
    for _ in range(validation.members):
        grown = {tuple(sorted((*team, m))) for team in kept for m in range(validation.members) if m not in team}
        ranked = sorted(grown, key=lambda team: (-round(team_score(validation, team) / 1e-12), team))
        kept = ranked[:width]
        scores.append(team_score(validation, ranked[0]))
        teams.append(ranked[0])
    return np.array(scores), teams


def test_beam_search_ends_when_eight_sizes_bring_nothing() -> None:
    validation = validation_of(33, 40)
    scores, teams = growing_twin(validation, 16)
    found = select(validation, "beam")
    best = int(scores.argmax())
    assert found.team == teams[best]
    assert found.details["largest"] == best + 1 + 8 < 33
    assert select(validation, "beam(max_size=33)").details["largest"] == 33


def test_beam_search_keeps_to_its_sizes() -> None:
    validation = validation_of(12, 40)
    free = select(validation, "beam")
    forced = select(validation, f"beam(min_size={len(free.team) + 2})")
    assert len(forced.team) == len(free.team) + 2
    assert forced.score < free.score
    with pytest.raises(SelectionError, match="min_size = 5 is above the largest team; give at most 4"):
        select(validation, "beam(min_size=5, max_size=4)")


def test_greedy_without_replacement_fits_any_pool() -> None:
    assert len(select(validation_of(3, 40), "greedy(replacement=False)").team) <= 3


def test_branch_and_bound_ends_by_count() -> None:
    validation = validation_of(30, 400)
    found = select(validation, "branch_and_bound(families=3)", metric="accuracy")
    assert (found.details["families"], found.details["complete"]) == (3, False)
    assert found.score <= found.details["bound"]
