"""What is recorded of a team: its own weights, values by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.pools import blocks, pool_of, said

from lrensemble.evaluate import Team, choose, evaluate, predict, scores
from lrensemble.pool import Pool

VAL, TEST, CLASSES = 60, 90, 3


def two(folder: Path) -> Pool:
    val, test = np.arange(VAL) % CLASSES, np.arange(TEST) % CLASSES
    wrong = ((0.0, 0.2), (0.2, 0.5))
    return pool_of(
        folder,
        (val, np.stack([said(val, one, CLASSES, 0.7) for one in blocks(VAL, wrong)])),
        (test, np.stack([said(test, one, CLASSES, 0.7) for one in blocks(TEST, wrong)])),
        names=("a", "b"),
    )


def weighted(pool: Pool, weights: tuple[float, ...]) -> Team:
    return choose(pool, "all", folds=0).model_copy(update={"weights": weights})


def test_a_team_predicts_with_its_weights(tmp_path: Path) -> None:
    """Where one of the two errs, the one with three quarters of the weight decides."""
    pool = two(tmp_path)
    labels = pool.truth("test")
    first, second = (np.exp(member.predictions("test").main.astype(np.float64)) for member in pool.members())
    team = weighted(pool, (0.25, 0.75))
    assert predict(pool, team, "test") == pytest.approx(0.25 * first + 0.75 * second)
    result = evaluate(pool, [team])
    assert result.teams["all"].test.accuracy == pytest.approx(0.7), "the second member's errors"
    assert evaluate(pool, [weighted(pool, (0.75, 0.25))]).teams["all"].test.accuracy == pytest.approx(0.8)
    assert len(labels) == TEST


def test_scores_by_hand() -> None:
    labels = np.array([0, 1, 1, 0])
    probs = np.array([[0.5, 0.5], [0.25, 0.75], [0.75, 0.25], [1.0, 0.0]])
    found = scores(probs, labels, metrics=("balanced_accuracy",))
    assert found.accuracy == 0.75
    assert found.nll == pytest.approx((np.log(2) + np.log(4 / 3) + np.log(4)) / 4)
    assert found.brier == pytest.approx((0.5 + 0.125 + 1.125) / 4)
    assert found.top5_accuracy is None, "of two classes all are among the five likeliest"
    assert found.others == {"balanced_accuracy": 0.75}
    assert found.by("balanced_accuracy") == 0.75
    assert found.by("nll") == found.nll
    labels_alone = scores(probs, labels, probabilities=False, metrics=("balanced_accuracy", "roc_auc"))
    assert (labels_alone.accuracy, labels_alone.others) == (0.75, {"balanced_accuracy": 0.75})
    assert labels_alone.nll is None
