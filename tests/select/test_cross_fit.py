"""Cross-fitting by hand, its divisions and resamples, groups, few rows, and what is not defined."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.pairwise import pairwise

from lrensemble.consensus import combine, fit
from lrensemble.errors import SelectionError
from lrensemble.metrics import METRICS, score
from lrensemble.select import CrossFit, Validation, cross_fit, select, stability, team_score
from lrensemble.select.cross_fit import spread
from lrensemble.select.scoring.resample import bootstrap_weights, folds_of_rows, grouped_folds

MEMBERS, ROWS, CLASSES = 5, 73, 3


def validation_of(seed: int, rows: int = ROWS, groups: NDArray[np.int64] | None = None) -> Validation:
    generator = np.random.default_rng(seed)
    labels = generator.integers(CLASSES, size=rows)
    logits = generator.normal(size=(MEMBERS, rows, CLASSES))
    logits[:, np.arange(rows), labels] += generator.uniform(0.3, 1.2, size=(MEMBERS, 1))
    return Validation(logits - np.log(np.exp(logits).sum(axis=2, keepdims=True)), labels, groups=groups)


def by_hand(
    validation: Validation, method: str, metric: str, consensus: str, folds: int, seed: int, division: int = 0
) -> NDArray[np.float64]:
    """[sample, class] what teams say of rows that they were not chosen on, from plain arrays."""
    fold_of_row = folds_of_rows(validation, folds, (seed, division) if division else seed)
    predictions = np.empty(validation.predictions.shape[1:])
    for fold in range(folds):
        inside, outside = fold_of_row != fold, fold_of_row == fold
        part = Validation(validation.predictions[:, inside], validation.truth[inside])
        chosen = select(part, method, metric=metric, consensus=consensus, seed=seed)
        probs = np.exp(part.predictions[list(chosen.team)])
        learned = fit(consensus, probs, part.truth, np.array(chosen.weights))
        members = np.exp(validation.predictions[list(chosen.team)][:, outside])
        predictions[outside] = combine(learned, members, np.array(chosen.weights))
    return predictions


@pairwise(
    {
        "method": ("greedy(size=6, bootstrap=3)", "top_k(k=2)"),
        "metric": ("nll", "accuracy", "ece"),
        "consensus": ("mean", "tempered", "accuracy_weighted"),
    }
)
def test_by_hand(method: str, metric: str, consensus: str) -> None:
    validation = validation_of(0)
    found = cross_fit(validation, method, metric=metric, consensus=consensus, seed=4, folds=3, repeats=1)
    predictions = by_hand(validation, method, metric, consensus, 3, 4)
    assert found.score == pytest.approx(score(metric, predictions, validation.truth), abs=1e-12)
    generator = np.random.default_rng(0)
    for replicate in found.replicates[:5]:
        rows = generator.integers(ROWS, size=ROWS)
        assert replicate == pytest.approx(score(metric, predictions[rows], validation.truth[rows]), abs=1e-12)
    assert (len(found.replicates), found.folds, found.repeats) == (200, 3, 1)


@pytest.mark.parametrize("metric", ["ece", "aurc", "f1", "brier"])
def test_resamples_are_of_all_divisions(metric: str) -> None:
    validation = validation_of(0)
    found = cross_fit(validation, "log_odds_weights", metric=metric, folds=3, repeats=2)
    both = [by_hand(validation, "log_odds_weights", metric, "mean", 3, 0, division) for division in (0, 1)]
    assert not np.array_equal(both[0], both[1])
    generator = np.random.default_rng(0)
    for replicate in found.replicates[:5]:
        rows = generator.integers(ROWS, size=ROWS)
        scores = [score(metric, predictions[rows], validation.truth[rows]) for predictions in both]
        assert replicate == pytest.approx(np.mean(scores), abs=1e-12)


def test_few_rows_are_divided_again_and_again() -> None:
    assert cross_fit(validation_of(1), "best").repeats == 10
    assert cross_fit(validation_of(1, rows=4001), "best").repeats == 2
    assert cross_fit(validation_of(1, rows=10_001), "best").repeats == 1
    validation = validation_of(2)
    singles = [cross_fit(validation, "brute_force", metric="accuracy", seed=s, repeats=1).score for s in range(12)]
    means = [cross_fit(validation, "brute_force", metric="accuracy", seed=s, repeats=8).score for s in range(12)]
    assert np.std(means) < np.std(singles)
    again = [cross_fit(validation, "brute_force", metric="accuracy", repeats=8) for _ in range(2)]
    assert again[0] == again[1]


def test_the_standard_error_of_a_mean_is_that_of_the_formula() -> None:
    validation = validation_of(3, rows=911)
    found = cross_fit(validation, "all", metric="brier", repeats=1)
    losses = ((np.exp(validation.predictions).mean(axis=0) - np.eye(CLASSES)[validation.truth]) ** 2).sum(axis=1)
    assert found.standard_error == pytest.approx(losses.std(ddof=1) / np.sqrt(911), rel=0.15)
    assert found.score == pytest.approx(-losses.mean())


def test_differences_are_of_the_same_resamples() -> None:
    validation = validation_of(4)
    everyone, pair = (cross_fit(validation, method, metric="nll", repeats=2) for method in ("all", "top_k(k=4)"))
    assert everyone.error_of_difference(everyone) == 0
    apart = np.hypot(everyone.standard_error, pair.standard_error)
    assert 0 < everyone.error_of_difference(pair) < apart / 2, "they err on the same rows"


def test_groups_are_never_divided() -> None:
    generator = np.random.default_rng(5)
    groups = generator.integers(13, size=ROWS)
    validation = validation_of(5, groups=groups)
    folds = folds_of_rows(validation, 4, 0)
    assert all(len(set(folds[groups == group].tolist())) == 1 for group in range(13))
    assert set(folds.tolist()) == {0, 1, 2, 3}
    weights = bootstrap_weights(validation, generator)
    assert all(len(set(weights[groups == group].tolist())) == 1 for group in range(13))
    assert len(set(folds_of_rows(validation, 99, 0).tolist())) == 13


def test_groups_are_stratified_as_far_as_they_allow() -> None:
    labels = np.repeat(np.tile([0, 1], 30), 4)
    groups = np.repeat(np.arange(60), 4)
    folds = grouped_folds(labels, groups, np.ones(240), 5, 3)
    for fold in range(5):
        assert np.bincount(labels[folds == fold]).tolist() == [24, 24]


def test_leaked_rows_are_seen_through_by_groups() -> None:
    """Each row twice: a method that learns rows by heart looks good across twins, and not across groups."""
    generator = np.random.default_rng(0)
    labels = np.tile(generator.integers(2, size=60), 2)
    probs = np.tile(generator.dirichlet(np.ones(2), size=(9, 60)), (1, 2, 1))
    plain = Validation(np.log(probs), labels)
    grouped = Validation(np.log(probs), labels, groups=np.tile(np.arange(60), 2))
    leaking, honest = (cross_fit(each, "brute_force", metric="accuracy") for each in (plain, grouped))
    assert leaking.score > honest.score + 0.03
    assert honest.standard_error > leaking.standard_error * 1.2, "60 rows are not 120"


def test_weights_are_counts() -> None:
    counts = np.random.default_rng(7).poisson(1.5, size=ROWS)
    validation = validation_of(7)
    counted = Validation(validation.predictions, validation.truth, weights=counts)
    rows = np.repeat(np.arange(ROWS), counts)
    folds = folds_of_rows(counted, 3, 0)
    total = 0.0
    for fold in range(3):
        inside, outside = rows[folds[rows] != fold], rows[folds[rows] == fold]
        part = Validation(validation.predictions[:, inside], validation.truth[inside])
        chosen = select(part, "brute_force", metric="nll")
        other = Validation(validation.predictions[:, outside], validation.truth[outside])
        total += team_score(other, chosen.team) * len(outside)
    found = cross_fit(counted, "brute_force", folds=3, repeats=1)
    assert found.score == pytest.approx(total / len(rows), abs=1e-12)
    assert found == cross_fit(counted, "brute_force", folds=3, repeats=1)


def test_few_rows_and_few_groups() -> None:
    two = cross_fit(validation_of(8, rows=2), "best")
    assert (two.folds, two.repeats) == (2, 1)
    assert cross_fit(validation_of(8, rows=3), "greedy", metric="accuracy").folds == 3
    assert cross_fit(validation_of(8), "best", folds=ROWS + 5).folds == ROWS
    one = validation_of(8, rows=1)
    with pytest.raises(SelectionError, match=r"^cannot cross-fit 1 row; give at least 2 rows$"):
        cross_fit(one, "best")
    with pytest.raises(SelectionError, match=r"^cannot cross-fit 1 row; give at least 2 rows$"):
        cross_fit(validation_of(8).rows(np.array([3, 3])), "best")
    with pytest.raises(SelectionError, match=r"^cannot cross-fit 1 group; give at least 2 groups$"):
        cross_fit(validation_of(8, groups=np.zeros(ROWS, dtype=np.int64)), "best")
    with pytest.raises(SelectionError, match=f"cannot cross-fit {ROWS} rows in 1 folds; give 2 to {ROWS}"):
        cross_fit(validation_of(8), "best", folds=1)
    with pytest.raises(SelectionError, match="repeats = -1 is refused; give at least 1"):
        cross_fit(validation_of(8), "best", repeats=-1)


def test_a_metric_that_is_not_defined_on_a_resample() -> None:
    def first_class(probs: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
        if not (labels == 0).any():
            raise ValueError("no row of class 0")
        return float(probs[labels == 0, 0].mean())

    METRICS.register(higher_is_better=True)(first_class)
    try:
        validation = validation_of(9, rows=11)
        labels = np.where(np.arange(11) < 3, 0, 1)
        found = cross_fit(Validation(validation.predictions, labels), "all", metric="first_class", folds=3, repeats=1)
    finally:
        METRICS._functions.pop("first_class")
    missing = sum(math.isnan(replicate) for replicate in found.replicates)
    assert 1 <= missing <= 16, "(8/11)^11 of 200"
    assert found.standard_error > 0
    assert found.error_of_difference(found) == 0
    assert math.isnan(spread((1.0, math.nan)))
    assert math.isnan(CrossFit(0.5, (), 1, 2).standard_error)


def test_no_repeat_of_divisions_where_the_search_is_cut_by_time() -> None:
    """Each selection would take its whole time again."""
    validation = validation_of(10, rows=61)
    found = cross_fit(validation, "branch_and_bound(seconds=1e-9)", folds=2)
    assert found.repeats == 1


def test_stability_draws_groups() -> None:
    groups = np.random.default_rng(11).integers(9, size=ROWS)
    validation = validation_of(11, groups=groups)
    generator = np.random.default_rng(3)
    names, optimism = np.unique(groups), 0.0
    for _ in range(3):
        drawn = names[generator.integers(len(names), size=len(names))]
        rows = np.concatenate([np.flatnonzero(groups == group) for group in drawn])
        part = Validation(validation.predictions[:, rows], validation.truth[rows])
        chosen = select(part, "brute_force", metric="brier")
        optimism += (chosen.score - team_score(validation, chosen.team, metric="brier")) / 3
    again = stability(validation, "brute_force", metric="brier", seed=3, resamples=3)
    assert again.optimism == pytest.approx(optimism, abs=1e-12)
