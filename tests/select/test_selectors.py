"""The contract of every selector, and what each one adds to it."""

import itertools
import math
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.pairwise import pairwise

from lrensemble.errors import SelectionError, SpecError
from lrensemble.rows import stratified_folds
from lrensemble.select import SELECTORS, Validation, cross_fit, select, team_score
from lrensemble.select.methods.focal import every_focal_gd, focal_gd
from lrensemble.select.methods.greedy_definition import ensemble_selection
from lrensemble.select.methods.shared.forward_selection import Rules, best_prefix
from lrensemble.select.scoring.incremental import incremental_team

MEMBERS, ROWS, CLASSES = 6, 83, 4


def validation_of(seed: int, members: int = MEMBERS, rows: int = ROWS, classes: int = CLASSES) -> Validation:
    generator = np.random.default_rng(seed)
    labels = generator.integers(classes, size=rows)
    logits = generator.normal(size=(members, rows, classes))
    logits[:, np.arange(rows), labels] += generator.uniform(0.5, 1.5, size=(members, 1))
    return Validation((logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))).astype(np.float32), labels)


SERVED = [
    (name, consensus)
    for name, consensus in itertools.product(SELECTORS, ["mean", "plurality", "accuracy_weighted"])
    if (name, consensus) != ("branch_and_bound", "accuracy_weighted")  # refused: no bound is known for it
]


@pairwise(
    {
        "name": list(SELECTORS),
        "consensus": ("mean", "plurality", "accuracy_weighted"),
        "metric": ("accuracy", "nll", "brier"),
    },
    unless=lambda name, consensus, _: (name, consensus) not in SERVED,
)
def test_a_team_with_its_score(name: str, metric: str, consensus: str) -> None:
    validation = validation_of(0)
    found = select(validation, SELECTORS.example(name), metric=metric, consensus=consensus, seed=3)
    assert found.team == tuple(sorted(set(found.team)))
    assert set(found.team) <= set(range(MEMBERS))
    assert math.isclose(sum(found.weights), 1)
    assert len(found.weights) == len(found.team)
    assert min(found.weights) > 0
    score = team_score(validation, found.team, found.weights, metric=metric, consensus=found.consensus)
    assert found.score == pytest.approx(score, abs=1e-12)
    assert found.metric == metric
    if name != "stacking":  # which is a consensus of its own
        assert found.consensus == consensus
    assert found.method == str(SELECTORS.example(name))
    assert found.tried >= 1


@pytest.mark.parametrize(
    "metric", ["accuracy", *(pytest.param(each, marks=pytest.mark.long) for each in ("nll", "brier"))]
)
@pytest.mark.parametrize(
    ("name", "consensus"),
    [pytest.param(*each, marks=[pytest.mark.long] * (each[1] == "accuracy_weighted")) for each in SERVED],
)
def test_the_same_seed_gives_the_same_team(name: str, metric: str, consensus: str) -> None:
    np.random.seed(1)
    first = select(validation_of(1), SELECTORS.example(name), metric=metric, consensus=consensus, seed=5)
    np.random.seed(2)
    second = select(validation_of(1), SELECTORS.example(name), metric=metric, consensus=consensus, seed=5)
    assert (first.team, first.weights, first.score) == (second.team, second.weights, second.score)


@pytest.mark.parametrize("name", list(SELECTORS))
@pytest.mark.parametrize(("members", "rows", "classes"), [(1, 7, 3), (4, 1, 3), (3, 9, 2)])
def test_the_smallest_pools(name: str, members: int, rows: int, classes: int) -> None:
    found = select(validation_of(4, members, rows, classes), name, metric="accuracy")
    assert found.team
    assert 0 <= found.score <= 1


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("name", list(SELECTORS))
def test_everybody_right_and_everybody_wrong(name: str, right: bool) -> None:
    labels = np.array([0, 1, 2, 1, 0])
    answers = labels if right else (labels + 1) % 3
    probs = np.full((4, 5, 3), 0.05)
    probs[:, np.arange(5), answers] = 0.9
    score = select(Validation(np.log(probs), labels), name, metric="accuracy").score
    assert score == float(right) or name == "stacking", "which learns from those who are always wrong, too"


@pytest.mark.parametrize("name", ["best", "all", "top_k(k=2)", "greedy(bootstrap=0)", "brute_force", "focal"])
def test_renaming_members_and_shuffling_rows_change_only_indices(name: str) -> None:
    validation = validation_of(6)
    member_order, row_order = np.random.default_rng(0).permutation(MEMBERS), np.random.default_rng(1).permutation(ROWS)
    other = Validation(validation.predictions[member_order][:, row_order], validation.truth[row_order])
    found, renamed = select(validation, name), select(other, name)
    assert tuple(sorted(member_order[list(renamed.team)])) == found.team
    assert renamed.score == pytest.approx(found.score, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 12), st.integers(2, 4))
def test_no_equal_weight_team_beats_brute_force(seed: int, members: int, rows: int, classes: int) -> None:
    validation = validation_of(seed, members, rows, classes)
    for metric in ("accuracy", "nll", "brier"):
        optimum = select(validation, "brute_force", metric=metric).score
        for name in (
            "best",
            "all",
            "top_k",
            "random(trials=4)",
            "focal",
            "greedy(replacement=False, size=1, bootstrap=0)",
        ):
            assert select(validation, name, metric=metric).score <= optimum + 1e-12


def test_brute_force_equals_the_slow_loop() -> None:
    validation = validation_of(7)
    for metric, consensus in itertools.product(("accuracy", "nll", "brier"), ("mean", "geometric_mean", "plurality")):
        teams = [t for size in range(1, MEMBERS + 1) for t in itertools.combinations(range(MEMBERS), size)]
        scores = [team_score(validation, team, metric=metric, consensus=consensus) for team in teams]
        slow = next(i for i, score in enumerate(scores) if score >= max(scores) - 1e-12)
        found = select(validation, "brute_force", metric=metric, consensus=consensus)
        assert found.team == teams[slow]
        assert found.tried == 2**MEMBERS - 1


def test_ties_go_to_the_smaller_team_then_the_lowest_indices() -> None:
    twins = np.repeat(validation_of(8).predictions[:1], 4, axis=0)
    validation = Validation(twins, validation_of(8).truth)
    for name in ("best", "brute_force", "top_k(k=1)", "greedy(bootstrap=0)", "brute_force(min_size=2)", "focal"):
        expected = (0,) if "2" not in name and name != "focal" else (0, 1)
        assert select(validation, name, metric="nll").team == expected, name


def test_brute_force_counts_before_it_lists() -> None:
    validation = validation_of(0, members=30, rows=3)
    with pytest.raises(SelectionError, match=r"30 members have 1,073,741,823 teams .* raise it with limit=1073741823"):
        select(validation, "brute_force(limit=1000000)")
    assert select(validation, "brute_force(max_size=2)").tried == 30 + 30 * 29 // 2
    with pytest.raises(SelectionError, match="teams of 2 to 30, above the limit"):
        select(validation, "focal(limit=1000000)")


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("top_k(k=7)", "k = 7 is above the pool; it has 6 members"),
        ("random(size=7)", "size = 7 is above the pool"),
        ("greedy(size=7, replacement=False)", "size = 7 is above the pool of 6 and replacement is off"),
        ("brute_force(max_size=7)", "team sizes 1 to 7 do not fit a pool of 6"),
        ("brute_force(min_size=4, max_size=3)", "team sizes 4 to 3 do not fit"),
    ],
)
def test_teams_above_the_pool_are_refused(method: str, message: str) -> None:
    with pytest.raises(SelectionError, match=message):
        select(validation_of(0), method)


def test_unknown_names_and_arguments_are_refused() -> None:
    for method, message in (
        ("gready", "no selector named 'gready'; did you mean 'greedy'"),
        ("greedy(sise=3)", "has no argument 'sise'; did you mean 'size'"),
        ("greedy(size=0)", "size = 0 is refused: input should be greater than 0"),
        ("greedy(metric='nll')", "has no argument 'metric'"),
    ):
        with pytest.raises(SpecError, match=message):
            select(validation_of(0), method)
    with pytest.raises(SpecError, match="no metric named 'acc'"):
        select(validation_of(0), "best", metric="acc")
    with pytest.raises(SpecError, match="no consensus named 'meen'; did you mean 'mean'"):
        select(validation_of(0), "all", consensus="meen")


@pytest.mark.parametrize("consensus", ["mean", "plurality", "geometric_mean"])
@pytest.mark.parametrize("metric", ["accuracy", "nll", "brier", "f1"])
def test_greedy_equals_its_definition_and_keeps_its_best_prefix(metric: str, consensus: str) -> None:
    prefix_is_shorter = False
    for seed in range(6):
        validation = validation_of(seed)
        counts, _ = best_prefix(
            incremental_team(validation, metric, consensus), None, Rules(12, np.ones(MEMBERS, dtype=bool))
        )
        assert tuple(counts) == ensemble_selection(validation, 12, metric=metric, consensus=consensus)
        prefix_is_shorter |= counts.sum() < 12
    assert prefix_is_shorter, "otherwise the best prefix was never tested"


def test_without_replacement_each_member_counts_once() -> None:
    rules = Rules(MEMBERS, np.ones(MEMBERS, dtype=bool), replacement=False)
    counts, tried = best_prefix(incremental_team(validation_of(3), "nll", "mean"), None, rules)
    assert counts.max() == 1
    assert tried == MEMBERS * (MEMBERS + 1) // 2


def test_bootstrap_averages_the_runs_on_resampled_rows() -> None:
    validation = validation_of(9)
    generator = np.random.default_rng(4)
    expected, lengths = np.zeros(MEMBERS), set()
    for _ in range(3):
        sample = validation.rows(generator.integers(ROWS, size=ROWS))
        counts = np.array(ensemble_selection(sample, 9, metric="accuracy"))
        expected += counts / counts.sum() / 3
        lengths.add(counts.sum())
    assert len(lengths) > 1, "runs of different length must weigh the same"
    found = select(validation, "greedy(size=9, bootstrap=3, prune=False)", metric="accuracy", seed=4)
    weights = np.zeros(MEMBERS)
    weights[list(found.team)] = found.weights
    np.testing.assert_allclose(weights, expected)
    assert select(validation, "greedy(size=9, bootstrap=3)", metric="accuracy", seed=5).weights != found.weights


def test_random_takes_the_best_of_its_trials() -> None:
    validation = validation_of(2)
    scores = [select(validation, f"random(size=2, trials={n})", seed=7).score for n in (1, 4, 40)]
    assert scores == sorted(scores)
    assert scores[2] == select(validation, "brute_force(min_size=2, max_size=2)").score
    assert len({select(validation, "random(size=3)", seed=seed).team for seed in range(9)}) > 1


def focal_gd_twin(wrong: NDArray[np.bool_], team: tuple[int, ...]) -> float:
    """Generalized diversity over the rows of each focal member, from its definition, row by row."""
    values = []
    size = len(team)
    for member in team:
        failing = wrong[list(team)][:, wrong[member]].sum(axis=0)
        if len(failing) == 0:
            continue
        one = np.mean(failing / size)
        two = np.mean(failing * (failing - 1) / (size * (size - 1)))
        values.append(1 - two / one)
    return float(np.mean(values)) if values else 0.0


def test_focal_diversity_equals_its_definition() -> None:
    wrong = np.random.default_rng(5).random((5, 41)) < 0.3
    wrong[4] = False  # fails nowhere, and contributes nothing
    teams = [t for size in range(2, 6) for t in itertools.combinations(range(5), size)]
    weights = np.array([[float(m in team) for m in range(5)] for team in teams])
    expected = [focal_gd_twin(wrong, team) for team in teams]
    np.testing.assert_allclose(focal_gd(wrong, weights), expected)
    every = every_focal_gd(wrong.astype(np.int64), np.zeros(41, dtype=np.int64))
    np.testing.assert_allclose(every[[sum(1 << member for member in team) for team in teams]], expected)
    assert every[[0, 1, 2, 4, 8, 16]].tolist() == [0.0] * 6
    assert focal_gd(wrong[4:], np.ones((1, 1))).tolist() == [0.0]


def test_focal_weighs_diversity_against_accuracy() -> None:
    validation = validation_of(11)
    most_accurate = select(validation, "focal(diversity=0.0, accuracy=1.0)")
    best = select(validation, "brute_force(min_size=2)", metric="accuracy", consensus="plurality")
    assert most_accurate.details["plurality_accuracy"] == pytest.approx(best.score)
    diverse = select(validation, "focal(diversity=1.0, accuracy=0.0)")
    assert diverse.details["focal_diversity"] >= most_accurate.details["focal_diversity"]


@pytest.mark.parametrize("arguments", ["", "max_size=3, size_penalty=0.1", "min_size=4, diversity=1.0"])
def test_focal_finds_the_same_from_tables_and_from_a_list(arguments: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for validation in (validation_of(13), validation_of(14, rows=9)):
        found = select(validation, f"focal({arguments})")
        monkeypatch.setattr(import_module("lrensemble.select.methods.focal"), "WASTE", 0)
        other = select(validation, f"focal({arguments})")
        monkeypatch.undo()
        assert (found.team, found.tried) == (other.team, other.tried)
        assert found.details == pytest.approx(other.details)


def test_focal_can_prefer_small_teams() -> None:
    validation = validation_of(11)
    sizes = [len(select(validation, f"focal(size_penalty={p}, min_size=1)").team) for p in (0.0, 0.1, 0.5, 9.0)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1] == 1


def test_cross_fitting_removes_the_optimism_of_a_search() -> None:
    """Members that guess: the best of many teams looks better than chance, cross-fitted it does not."""
    generator = np.random.default_rng(0)
    probs = generator.dirichlet(np.ones(2), size=(10, 120))
    validation = Validation(np.log(probs), generator.integers(2, size=120))
    selected = select(validation, "brute_force", metric="accuracy").score
    honest = cross_fit(validation, "brute_force", metric="accuracy", folds=5).score
    assert selected > 0.6
    assert abs(honest - 0.5) < 0.08


def test_cross_fitting_by_hand() -> None:
    validation = validation_of(12)
    fold_of_row = stratified_folds(validation.truth, 3, seed=0)
    right = 0.0
    for fold in range(3):
        chosen = select(validation.rows(np.flatnonzero(fold_of_row != fold)), "best", metric="accuracy")
        outside = validation.rows(np.flatnonzero(fold_of_row == fold))
        right += team_score(outside, chosen.team, metric="accuracy") * outside.total_weight
    found = cross_fit(validation, "best", metric="accuracy", folds=3, repeats=1)
    assert found.score == pytest.approx(right / ROWS)
    assert (found.folds, found.repeats) == (3, 1)


def test_folds_are_even_and_stratified() -> None:
    labels = np.repeat([0, 1, 2], [20, 11, 4])
    folds = stratified_folds(labels, 5, seed=1)
    assert set(np.bincount(folds)) == {7}
    for label in range(3):
        counts = np.bincount(folds[labels == label], minlength=5)
        assert counts.max() - counts.min() <= 1
