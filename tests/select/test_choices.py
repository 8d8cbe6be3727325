"""Answers that differ by row: pads count nowhere, whatever their place."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.select import Validation, cross_fit, learned_nothing, select, team_score
from lrensemble.targets import LOG_ZERO, Choices, Labels, LogProbs

MEMBERS, ROWS, MOST = 5, 60, 5
COUNTS = np.array([2, 3, 5])[np.arange(ROWS) % 3]


def questions(seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Log-probabilities [member, sample, answer], pads at LOG_ZERO; and the right answers."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(COUNTS)
    logits = generator.normal(size=(MEMBERS, ROWS, MOST)) + generator.normal(size=(1, ROWS, MOST))
    logits[:, np.arange(ROWS), truth] += generator.uniform(0.3, 1.5, size=(MEMBERS, 1))
    logits[:, np.arange(MOST) >= COUNTS[:, None]] = -np.inf
    logs = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
    return np.maximum(logs, LOG_ZERO), truth


def validation(most: int = MOST, seed: int = 0) -> Validation:
    logs, truth = questions(seed)
    padded = np.full((MEMBERS, ROWS, most), LOG_ZERO)
    padded[:, :, :MOST] = logs
    target = Choices(names=tuple(map(str, range(most))))
    return Validation([LogProbs(one) for one in padded], truth, target=target, choices=COUNTS)


@pytest.mark.parametrize("metric", ["accuracy", "nll", "brier"])
@pytest.mark.parametrize("method", ["greedy", "brute_force", "best", "all"])
def test_more_pads_change_nothing(metric: str, method: str) -> None:
    one, other = (select(validation(most), method, metric=metric) for most in (MOST, 9))
    assert (one.team, one.weights) == (other.team, other.weights)
    assert one.score == pytest.approx(other.score, rel=1e-12)
    first, second = (cross_fit(validation(most), method, metric=metric, repeats=1) for most in (MOST, 9))
    assert first.score == pytest.approx(second.score, rel=1e-12)


def test_scores_are_means_over_questions_by_hand() -> None:
    """Two answers at even odds, and three of which the right one has 0.5."""
    logs = np.log(np.array([[0.5, 0.5, 1e-300], [0.25, 0.5, 0.25]]))
    target = Choices(names=("A", "B", "C"))
    one = Validation([LogProbs(np.maximum(logs, LOG_ZERO))], np.array([1, 1]), target=target, choices=np.array([2, 3]))
    assert team_score(one, [0], metric="nll") == pytest.approx(-np.log(2))
    assert team_score(one, [0], metric="accuracy") == 0.5, "of answers that tie the first counts"
    assert team_score(one, [0], metric="brier") == pytest.approx(-(0.5 + 0.375) / 2)


def test_who_learned_nothing() -> None:
    logs, truth = questions(2)
    generator = np.random.default_rng(5)
    guess = generator.integers(COUNTS)
    first = np.zeros(ROWS, dtype=np.int64)
    answered = [LogProbs(logs[4]), Labels(truth), Labels(guess), Labels(first)]
    target = Choices(names=tuple("ABCDE"))
    useless = learned_nothing(Validation(answered, truth, target=target, choices=COUNTS))
    assert useless.tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (COUNTS[:9], r"give the number of answers of each row as integers \(60,\)"),
        (COUNTS.astype(float), "choices are float64"),
        (np.full(ROWS, 6), "row 0 has 6 choices"),
        (np.ones(ROWS, dtype=int), "has 1 choices, and answer"),
    ],
)
def test_counts_that_cannot_be_are_refused(counts: NDArray[np.int64], message: str) -> None:
    logs, truth = questions()
    with pytest.raises(PredictionsError, match=message):
        Validation([LogProbs(logs[0])], truth, target=Choices(names=tuple("ABCDE")), choices=counts)
