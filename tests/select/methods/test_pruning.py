"""Members whose weight brings nothing are dropped, judged on rows that a run has not seen."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.consensus import combine
from lrensemble.metrics import score
from lrensemble.select import Validation, select, team_score
from lrensemble.select.methods.shared.weights import (
    LIGHT,
    LIGHT_TOGETHER,
    Runs,
    enough_members,
    heaviest,
    without_negligible,
)
from lrensemble.targets import Classes, Labels

MEMBERS, ROWS, CLASSES = 6, 89, 4


def validation_of(seed: int, members: int = MEMBERS, rows: int = ROWS) -> Validation:
    generator = np.random.default_rng(seed)
    labels = generator.integers(CLASSES, size=rows)
    logits = 1.5 * generator.normal(size=(members, rows, CLASSES))
    logits[:, np.arange(rows), labels] += generator.uniform(0.5, 2.5, size=(members, 1))
    return Validation(logits - np.log(np.exp(logits).sum(axis=2, keepdims=True)), labels)


def test_negligible_weights_are_dropped_one_by_one() -> None:
    weights = np.array([0.5, 0.0, 0.49, 0.006, 0.003, 0.001])
    kept = without_negligible(weights)
    assert kept.tolist() == pytest.approx([0.5 / 0.996, 0, 0.49 / 0.996, 0.006 / 0.996, 0, 0])
    assert without_negligible(np.array([2.0, 0.0])).tolist() == [1.0, 0.0]
    assert np.flatnonzero(without_negligible(np.ones(300))).tolist() == list(range(200)), "equal ones go from behind"
    assert heaviest(np.array([1.0, 3.0, 3.0, 2.0]), 2).tolist() == [0, 3, 3, 0]
    assert heaviest(np.array([3.0, 1.0, 3.0]), 1).tolist() == [3, 0, 0]


def enough_twin(validation: Validation, runs: Runs, metric: str, consensus: str) -> int:
    """The rule, row by row: cut the mean of the runs that have not seen a row to its heaviest, and compare."""
    shares = np.sort(runs.weights.mean(axis=0))[::-1]
    most = len(shares)
    probs = np.exp(validation.predictions)
    values: dict[int, list[float]] = {count: [] for count in range(1, most + 1)}
    predictions: dict[int, list[NDArray[np.float64]]] = {count: [] for count in range(1, most + 1)}
    rows = [row for row in range(ROWS) if runs.unseen[:, row].any()]
    for row in rows:
        mean = runs.weights[runs.unseen[:, row]].mean(axis=0)
        order = sorted(range(len(mean)), key=lambda member: (-mean[member], member))
        for count in values:
            cut = np.zeros(len(mean))
            cut[order[:count]] = mean[order[:count]]
            team = np.flatnonzero(cut)
            combined = combine(consensus, probs[team][:, [row]], cut[team])
            predictions[count].append(combined[0])
            values[count].append(score(metric, combined, validation.truth[[row]]) if metric != "ece" else np.nan)
    for count in range(1, most):
        if shares[count] >= LIGHT or shares[count:].sum() > LIGHT_TOGETHER:
            continue
        if metric == "ece":
            whole, fewer = (score("ece", np.array(predictions[n]), validation.truth[rows]) for n in (most, count))
            good = fewer >= whole - 1e-12
        else:
            difference = np.array(values[count]) - np.array(values[most])
            error = difference.std(ddof=1) / np.sqrt(len(rows))
            good = difference.mean() >= -0.25 * error - 1e-12
        if good:
            return count
    return most


def test_members_that_know_only_labels_are_judged_out_of_bag() -> None:
    """Of a hundred classes, by the definition of the votes of a row."""
    for seed in range(10):
        generator = np.random.default_rng(seed)
        truth = generator.integers(100, size=ROWS)
        wrong = np.where(generator.random((MEMBERS, ROWS)) < 0.5, (truth + 1) % 100, generator.integers(100, size=ROWS))
        said = np.where(generator.random((MEMBERS, ROWS)) < 0.6, truth, wrong)
        votes = np.eye(100)[said]
        weights = generator.dirichlet([9.0, 0.0001, 7.0, 0.4, 0.2, 0.1], size=5)
        runs = Runs(weights, generator.random((5, ROWS)) < 0.37)
        labels = Validation([Labels(each) for each in said], truth, target=Classes(names=tuple(map(str, range(100)))))
        with np.errstate(divide="ignore"):
            dense = Validation(np.log(votes), truth)
        assert enough_members(labels, runs, "accuracy", "mean") == enough_twin(dense, runs, "accuracy", "mean")


@pytest.mark.parametrize("consensus", ["mean", "plurality"])
@pytest.mark.parametrize("metric", ["nll", "brier", "accuracy", "ece"])
def test_the_fewest_that_are_not_worse_out_of_bag(metric: str, consensus: str) -> None:
    found = set()
    for seed in range(5):
        generator = np.random.default_rng(seed)
        weights = generator.dirichlet([9.0, 0.0001, 7.0, 0.4, 0.2, 0.1], size=5)
        runs = Runs(weights, generator.random((5, ROWS)) < 0.37)
        enough = enough_members(validation_of(seed), runs, metric, consensus)
        assert enough == enough_twin(validation_of(seed), runs, metric, consensus)
        found.add(MEMBERS - enough)
    assert len(found) > 1 or consensus == "plurality", "otherwise the choice was never tested"


def test_what_cannot_be_judged_stays() -> None:
    runs = Runs(np.array([[0.5, 0.48, 0.015, 0.005, 0, 0]]), np.ones((1, ROWS), dtype=bool))
    seen = Runs(runs.weights, np.zeros((1, ROWS), dtype=bool))
    assert enough_members(validation_of(0), seen, "nll", "mean") == 4
    assert enough_members(validation_of(0), runs, "nll", "geometric_mean") == 4
    heavy = Runs(np.array([[0.3, 0.3, 0.2, 0.2, 0, 0]]), runs.unseen)
    assert enough_members(validation_of(0), heavy, "accuracy", "mean") == 4


def test_a_member_that_harms_is_dropped_and_one_that_helps_is_not() -> None:
    """Of two light members one gives every label its due, and the other nothing."""
    generator = np.random.default_rng(0)
    labels = generator.integers(2, size=ROWS)
    of_label = np.array([0.7, 0.7, 0.95, 0.05])[:, None] + generator.uniform(-0.04, 0.04, size=(4, ROWS))
    probs = np.empty((4, ROWS, 2))
    probs[:, np.arange(ROWS), labels], probs[:, np.arange(ROWS), 1 - labels] = of_label, 1 - of_label
    everywhere = np.ones((1, ROWS), dtype=bool)
    for light, expected in ((0.019, 0.001), 3), ((0.001, 0.019), 2):
        runs = Runs(np.array([[0.5, 0.48, *light]]), everywhere)
        assert enough_members(Validation(np.log(probs), labels), runs, "nll", "mean") == expected


@pytest.mark.parametrize("metric", ["nll", "accuracy", "brier"])
def test_greedy_has_no_negligible_weights_and_is_not_below_its_best_member(metric: str) -> None:
    dropped = 0
    for seed in range(8):
        validation = validation_of(seed, members=14, rows=41)
        best = max(team_score(validation, (member,), metric=metric) for member in range(14))
        for bootstrap in (0, 7):
            found = select(validation, f"greedy(bootstrap={bootstrap})", metric=metric, seed=seed)
            assert found.score >= best - 1e-12
            assert min(found.weights) >= 0.005 - 1e-12
            dropped += found.details["dropped"]
            everything = select(validation, f"greedy(bootstrap={bootstrap}, prune=False)", metric=metric, seed=seed)
            assert "dropped" not in everything.details
    assert dropped > 0


def test_a_team_below_its_best_member_leans_on_it() -> None:
    """Runs of one addition average to a team of luck; on the rows themselves one member is far better."""
    lower = 0
    for seed in range(20):
        validation = validation_of(seed, rows=12)
        best = select(validation, "best")
        raw = select(validation, "greedy(size=1, bootstrap=9, prune=False)", seed=seed)
        found = select(validation, "greedy(size=1, bootstrap=9)", seed=seed)
        lower += raw.score < best.score - 1e-12
        assert found.score >= best.score - 1e-12
        if raw.score < best.score - 1e-12:
            assert found.weights[found.team.index(best.team[0])] >= 0.25
    assert lower > 0, "otherwise it was never tested"


def test_caps_hold_for_the_pruned_team() -> None:
    for seed in range(6):
        found = select(validation_of(seed, rows=15), "greedy(max_members=2, bootstrap=5)", seed=seed)
        assert len(found.team) <= 2


def test_weights_by_record_have_no_negligible_weights_in_small_pools() -> None:
    labels = np.zeros(400, dtype=np.int64)
    right = np.arange(400) < np.array([[390], [380], [3], [0]])
    probs = np.where(right[:, :, None], [0.9, 0.1], [0.1, 0.9])
    found = select(Validation(np.log(probs), labels), "accuracy_weights")
    assert found.team == (0, 1)
    assert found.weights == pytest.approx((39 / 77, 38 / 77))


@pytest.mark.parametrize("metric", ["nll", "brier"])
@pytest.mark.parametrize("members", [14, 150])
def test_the_best_weights_without_negligible_and_what_they_cost(metric: str, members: int) -> None:
    validation = validation_of(3, members=members)
    found = select(validation, "simplex", metric=metric)
    assert min(found.weights) >= 0.005 - 1e-12
    assert 0 <= found.details["gap"] < 1e-3
    bound = found.score + found.details["gap"]
    generator = np.random.default_rng(0)
    for concentration in (0.02, 0.2, 1.0):
        for weights in generator.dirichlet([concentration] * members, size=50):
            assert team_score(validation, range(members), weights.tolist(), metric=metric) <= bound + 1e-9
    for name in ("greedy(bootstrap=0)", "greedy", "best", "all"):
        assert select(validation, name, metric=metric).score <= bound + 1e-9
