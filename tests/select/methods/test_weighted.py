"""Weights without a search: by hand, against the consensus that learns, and at the edges."""

import numpy as np
import pytest

from lrensemble.select import Validation, cross_fit, select, team_score

RIGHT = np.array([[1, 1, 1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0]], dtype=bool)
CLASSES = 3


def validation_of(right: np.ndarray) -> Validation:
    """Members [member, sample] that give their class 0.8, the label or the class after it."""
    labels = np.arange(right.shape[1]) % CLASSES
    answers = np.where(right, labels, (labels + 1) % CLASSES)
    probs = np.where(answers[:, :, None] == np.arange(CLASSES), 0.8, 0.1)
    return Validation(np.log(probs), labels)


def test_accuracy_weights_by_hand() -> None:
    found = select(validation_of(RIGHT), "accuracy_weights")
    assert found.team == (0, 1)
    np.testing.assert_allclose(found.weights, [7 / 11, 4 / 11])
    squared = select(validation_of(RIGHT), "accuracy_weights(power=2)")
    np.testing.assert_allclose(squared.weights, [49 / 65, 16 / 65])
    assert select(validation_of(RIGHT), "accuracy_weights(power=0)").weights == (0.5, 0.5)


def test_log_odds_by_hand() -> None:
    """7 of 8 right, 4 of 8 right, never right; half an error and half a success added; three classes."""
    found = select(validation_of(RIGHT), "log_odds_weights", metric="accuracy", consensus="plurality")
    logs = np.log([7.5 / 1.5 * 2, 4.5 / 4.5 * 2])
    assert found.team == (0, 1)
    np.testing.assert_allclose(found.weights, logs / logs.sum())
    assert found.score == 7 / 8


def test_log_odds_of_two_classes_leave_out_who_guesses() -> None:
    right = np.array([[True, False, True, False], [True, True, True, False], [True] * 4])
    labels = np.array([0, 1, 1, 0])
    probs = np.where(np.where(right, labels, 1 - labels)[:, :, None] == np.arange(2), 0.9, 0.1)
    found = select(Validation(np.log(probs), labels), "log_odds_weights")
    assert found.team == (1, 2)
    np.testing.assert_allclose(np.array(found.weights), np.log([3.5 / 1.5, 9]) / np.log(3.5 / 1.5 * 9))


@pytest.mark.parametrize("method", ["accuracy_weights", "log_odds_weights"])
def test_where_nobody_is_better_than_chance_all_weigh_the_same(method: str) -> None:
    found = select(validation_of(np.zeros((4, 7), dtype=bool)), method)
    assert found.team == (0, 1, 2, 3)
    assert found.weights == (0.25,) * 4


def test_stacking_is_the_consensus_that_learns() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(CLASSES, size=90)
    probs = generator.dirichlet(np.ones(CLASSES), size=(4, 90))
    probs[0, np.arange(90), labels] += 1
    validation = Validation(np.log(probs / probs.sum(axis=2, keepdims=True)), labels)
    found = select(validation, "stacking(penalty=3.0)")
    assert found.consensus == "stacking(penalty=3.0)"
    assert found.team == (0, 1, 2, 3)
    assert found.score == team_score(validation, range(4), metric="nll", consensus="stacking(penalty=3.0)")
    assert found.score > select(validation, "all").score, "one good member among three that guess"
    honest = cross_fit(validation, "stacking(penalty=3.0)").score
    assert honest < found.score, "it was fitted to the rows that it is scored on"
