"""Branch and bound finds what exhaustive search finds, and its bounds hold for every team of every node."""

import itertools
import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrensemble.errors import SelectionError, SpecError
from lrensemble.select import Validation, select, team_score
from lrensemble.select.methods import branch_and_bound
from lrensemble.select.methods.branch_and_bound import divided
from lrensemble.select.scoring.bounds import Node, bound_function

MEMBERS, ROWS, CLASSES = 6, 67, 4
BOUNDED = [
    ("nll", "mean"),
    ("nll", "plurality"),
    ("brier", "mean"),
    ("brier", "plurality"),
    ("accuracy", "mean"),
    ("accuracy", "plurality"),
    ("accuracy", "geometric_mean"),
]


def validation_of(seed: int, members: int = MEMBERS, rows: int = ROWS, *, impossible: bool = False) -> Validation:
    generator = np.random.default_rng(seed)
    labels = generator.integers(CLASSES, size=rows)
    probs = generator.dirichlet(np.ones(CLASSES) / 2, size=(members, rows))
    probs[:, np.arange(rows), labels] += generator.uniform(0.1, 0.5, size=(members, 1))
    if impossible:  # a row whose label nobody thinks possible, and one that only some do
        probs[:, 0, labels[0]] = 0
        probs[::2, 1, labels[1]] = 0
    with np.errstate(divide="ignore"):
        return Validation(np.log(probs / probs.sum(axis=2, keepdims=True)), labels)


def teams_of(node: Node) -> list[tuple[int, ...]]:
    return [
        team
        for size in range(max(node.smallest, 1), node.largest + 1)
        for team in itertools.combinations(range(node.members), size)
        if set(node.inside) <= set(team) and not set(node.outside) & set(team)
    ]


@pytest.mark.parametrize(("metric", "consensus"), BOUNDED)
@pytest.mark.parametrize("arguments", ["", "min_size=2, max_size=4", "min_size=3, max_size=3"])
def test_the_best_score_of_all_teams(metric: str, consensus: str, arguments: str) -> None:
    for seed, impossible in ((0, False), (1, False), (2, True)):
        validation = validation_of(seed, impossible=impossible)
        exact = select(validation, f"brute_force({arguments})", metric=metric, consensus=consensus)
        found = select(validation, f"branch_and_bound({arguments})", metric=metric, consensus=consensus)
        assert found.score == pytest.approx(exact.score, abs=1e-12)
        assert found.details["complete"]
        assert found.details["gap"] == pytest.approx(0, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(BOUNDED), st.booleans(), st.data())
def test_no_team_of_a_node_is_above_its_bound(
    seed: int, kind: tuple[str, str], impossible: bool, data: st.DataObject
) -> None:
    metric, consensus = kind
    validation = validation_of(seed, impossible=impossible)
    places = data.draw(st.permutations(range(MEMBERS)))
    inside, outside = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 2))
    sizes = sorted(data.draw(st.tuples(st.integers(1, MEMBERS), st.integers(1, MEMBERS))))
    node = Node(MEMBERS, sizes[0], sizes[1], tuple(places[:inside]), tuple(places[inside : inside + outside]))
    tight = node.tightened()
    assert (tight is None) == (teams_of(node) == [])
    if tight is None:
        return
    assert teams_of(tight) == teams_of(node)
    only = tight.only_team()
    if only is not None:
        assert teams_of(tight) == [only]
        return
    bound = bound_function(validation, metric, consensus)(tight, -np.inf)
    scores = [team_score(validation, team, metric=metric, consensus=consensus) for team in teams_of(tight)]
    assert max(scores) <= bound.score + 1e-12
    parts = divided(tight, bound)
    assert sorted(team for part in parts for team in teams_of(part)) == sorted(teams_of(tight))


def test_the_bound_of_a_convex_loss_is_tight_where_weights_are_free() -> None:
    """Over all weights, the bound is the optimum that Newton's method on the simplex finds."""
    validation = validation_of(3)
    for metric in ("nll", "brier"):
        bound = bound_function(validation, metric, "mean")(Node(MEMBERS, 1, MEMBERS), -np.inf)
        assert bound.score == pytest.approx(select(validation, "simplex", metric=metric).score, abs=1e-6)


def test_stopped_by_its_budget_it_says_how_far_it_may_be_from_the_best() -> None:
    validation = validation_of(4, members=14, rows=211)
    exact = select(validation, "brute_force", metric="accuracy")
    stopped = select(validation, "branch_and_bound(seconds=1e-9)", metric="accuracy")
    assert not stopped.details["complete"]
    assert stopped.score <= exact.score <= stopped.details["bound"]
    assert stopped.details["gap"] == stopped.details["bound"] - stopped.score > 0
    near = select(validation, "branch_and_bound(gap=0.2)", metric="accuracy")
    assert near.details["complete"]
    assert 0 < near.details["gap"] <= 0.2


def test_an_interrupt_returns_the_best_so_far(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rounds = itertools.count()

    def interrupted(search: branch_and_bound.BranchAndBound) -> None:
        if next(rounds) == 2:
            raise KeyboardInterrupt
        original(search)

    original = branch_and_bound.BranchAndBound._divide_first
    monkeypatch.setattr(branch_and_bound.BranchAndBound, "_divide_first", interrupted)
    with caplog.at_level(logging.WARNING):
        found = select(validation_of(5), "branch_and_bound")
    assert (found.details["complete"], found.details["families"]) == (False, 2)
    assert "interrupted; the best so far stands" in caplog.text
    assert found.score <= select(validation_of(5), "brute_force").score <= found.details["bound"]


def test_it_ends_where_enumeration_cannot() -> None:
    validation = validation_of(6, members=40, rows=97)
    found = select(validation, "branch_and_bound", metric="brier")
    assert found.details["complete"]
    assert found.tried < 100_000
    others = ("greedy(bootstrap=0, replacement=False)", "backward", "beam", "anneal", "top_k(k=9)")
    for other in others:
        assert select(validation, other, metric="brier").score <= found.score + 1e-12


@pytest.mark.parametrize(
    ("method", "metric", "consensus", "message"),
    [
        ("branch_and_bound(seconds=0)", "nll", "mean", "seconds = 0 is refused: input should be greater than 0"),
        ("branch_and_bound(max_size=7)", "nll", "mean", "team sizes 1 to 7 do not fit a pool of 6"),
        ("branch_and_bound", "nll", "geometric_mean", "no bound is known for nll under geometric_mean; choose"),
        ("branch_and_bound", "ece", "mean", "no bound is known for ece under mean; choose accuracy under mean,"),
    ],
)
def test_what_is_refused(method: str, metric: str, consensus: str, message: str) -> None:
    with pytest.raises((SelectionError, SpecError), match=message):
        select(validation_of(0), method, metric=metric, consensus=consensus)
