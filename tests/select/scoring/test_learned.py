"""Members that learned nothing are told from those that learned little, whatever their calibration."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.select import Validation, learned_nothing, select
from lrensemble.select.scoring.learned import scores_over_chance
from lrensemble.targets import Labels

Floats = NDArray[np.float64]


def softmax(logits: Floats) -> Floats:
    return np.asarray(np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True))


def labels_of(rows: int, classes: int) -> NDArray[np.int64]:
    return np.arange(rows) % classes


def test_standard_deviations_are_those_over_all_permutations() -> None:
    labels = np.array([0, 0, 1, 2, 1, 0])
    probs = softmax(np.random.default_rng(0).normal(size=(2, 6, 3)))
    logs = np.log(probs)
    for member, score in enumerate(scores_over_chance(Validation(logs, labels))):
        sums = [logs[member, np.arange(6), list(order)].sum() for order in itertools.permutations(labels)]
        fitted = logs[member, np.arange(6), labels].sum()
        assert score == pytest.approx((fitted - np.mean(sums)) / np.std(sums))


def test_constant_random_and_misordered_members_have_learned_nothing() -> None:
    rows, classes = 600, 4
    labels, generator = labels_of(rows, classes), np.random.default_rng(1)
    good = generator.normal(size=(rows, classes))
    good[np.arange(rows), labels] += 1
    constant = np.tile(np.array([2.0, 1.0, 0.0, 0.0]), (rows, 1))
    misordered = np.roll(good, 1, axis=1)
    members = np.stack([good, constant, generator.normal(size=(rows, classes)), misordered])
    assert learned_nothing(Validation(np.log(softmax(members)), labels)).tolist() == [False, True, True, True]


def test_one_that_ranks_rare_cases_well_has_learned_though_it_is_no_more_accurate_than_the_larger_class() -> None:
    labels = (np.arange(400) % 20 == 0).astype(np.int64)
    rare = np.where(labels == 1, 0.45, 0.1) + np.random.default_rng(2).uniform(-0.05, 0.05, size=400)
    constant = np.full(400, 0.05)
    probs = np.stack([1 - np.stack([rare, constant]), np.stack([rare, constant])], axis=2)
    assert (probs.argmax(axis=2) == 0).all(), "both name the larger class in every row"
    assert learned_nothing(Validation(np.log(probs), labels)).tolist() == [False, True]


def test_twenty_rows_and_labels_alone() -> None:
    labels = labels_of(20, 2)
    right = np.stack([np.arange(20) % 10 != 0, np.arange(20) // 10 == 0])  # 18 of 20, and 10 of 20
    named = np.where(right, labels, 1 - labels)
    log_probs = np.where(named[:, :, None] == np.arange(2), 0.0, -1e4)
    assert learned_nothing(Validation(log_probs, labels)).tolist() == [False, True]
    assert learned_nothing(Validation([Labels(one) for one in named], labels)).tolist() == [False, True]


def test_an_overconfident_member_has_learned() -> None:
    labels = labels_of(90, 3)
    named = np.where(np.arange(90) % 5 == 0, (labels + 1) % 3, labels)
    sure = np.where(named[:, None] == np.arange(3), 1 - 2e-30, 1e-30)
    uniform = np.full((90, 3), 1 / 3)
    assert learned_nothing(Validation(np.log(np.stack([sure, uniform])), labels)).tolist() == [False, True]


def test_the_table_of_teams_without_search_leaves_them_out() -> None:
    rows, generator = 200, np.random.default_rng(5)
    labels = labels_of(rows, 4)
    logits = generator.normal(size=(6, rows, 4))
    logits[np.array([[0], [2], [5]]), np.arange(rows), labels] += 1.5
    logits[1] = logits[3] = logits[4] = 0.0
    validation = Validation(np.log(softmax(logits)), labels)
    for method in ("all", "top_k", "random"):
        found = select(validation, method)
        assert found.team == (0, 2, 5), method
        assert found.details["learned_nothing"] == [1, 3, 4]
    assert len(select(validation, "top_k(k=4)").team) == 4, "what is asked for is given"
    assert len(select(validation, "random(size=5)").team) == 5


def test_where_nobody_has_learned_nobody_is_marked() -> None:
    uniform = np.full((3, 50, 2), 0.5)
    assert not learned_nothing(Validation(np.log(uniform), labels_of(50, 2))).any()
    assert not learned_nothing(Validation(np.log(uniform[:1, :1]), labels_of(1, 2))).any()


def test_rows_count_by_their_weights() -> None:
    generator = np.random.default_rng(3)
    logs = np.log(softmax(generator.normal(size=(2, 30, 3))))
    labels, times = generator.integers(3, size=30), generator.integers(0, 4, size=30)
    repeated = np.repeat(np.arange(30), times)
    expected = scores_over_chance(Validation(logs[:, repeated], labels[repeated]))
    whole = Validation(logs, labels)
    assert scores_over_chance(Validation(logs, labels, weights=times)) == pytest.approx(expected)
    several = whole.resampled(np.stack([times, np.ones(30)]))
    assert scores_over_chance(several[0]) == pytest.approx(expected), "views that are read together"
    assert scores_over_chance(several[1]) == pytest.approx(scores_over_chance(whole))


def test_chance_is_taken_for_learning_one_time_in_twenty() -> None:
    rows, classes, members = 200, 5, 400
    logs = np.log(softmax(np.random.default_rng(4).normal(size=(members, rows, classes))))
    marked = learned_nothing(Validation(logs, labels_of(rows, classes)))
    assert 0.91 < marked.mean() < 0.985
