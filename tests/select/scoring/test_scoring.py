"""Scores of many teams at once equal the definition on every team, ties included."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError, SelectionError
from lrensemble.select import Validation, team_score
from lrensemble.select.base import check_metric
from lrensemble.select.scoring.team_scores import first_best, team_scorer
from lrensemble.targets import Labels, LogProbs

MEMBERS, ROWS, CLASSES = 5, 61, 4


def validation_of(seed: int, members: int = MEMBERS, rows: int = ROWS, classes: int = CLASSES) -> Validation:
    generator = np.random.default_rng(seed)
    labels = generator.integers(classes, size=rows)
    logits = generator.normal(size=(members, rows, classes))
    logits[:, np.arange(rows), labels] += 1
    return Validation((logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))).astype(np.float32), labels)


def all_teams(members: int) -> NDArray[np.float64]:
    masks = np.arange(1, 2**members)
    return ((masks[:, None] >> np.arange(members)) & 1).astype(np.float64)


@pytest.mark.parametrize("consensus", ["mean", "geometric_mean", "plurality", "majority", "accuracy_weighted"])
@pytest.mark.parametrize("metric", ["accuracy", "nll", "brier", "ece(bins=5)"])
def test_many_teams_score_as_one_by_one(metric: str, consensus: str) -> None:
    validation = validation_of(0)
    weights = all_teams(MEMBERS)
    weights[::3] *= np.random.default_rng(1).random((len(weights[::3]), MEMBERS)) + 0.1
    scores = team_scorer(validation, metric, consensus)(weights)
    for row, score in zip(weights, scores, strict=True):
        team = np.flatnonzero(row)
        assert score == pytest.approx(
            team_score(validation, team.tolist(), row[team].tolist(), metric=metric, consensus=consensus), abs=1e-12
        )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 9), st.integers(2, 5))
def test_exact_ties_are_decided_as_the_definition_decides_them(
    seed: int, members: int, rows: int, classes: int
) -> None:
    """Few distinct probabilities, so that classes tie all the time, some of them only up to rounding."""
    generator = np.random.default_rng(seed)
    counts = generator.integers(1, 4, size=(members, rows, classes)).astype(np.float64)
    validation = Validation(np.log(counts / counts.sum(axis=2, keepdims=True)), generator.integers(classes, size=rows))
    weights = all_teams(members)
    for consensus in ("mean", "plurality", "geometric_mean"):
        expected = [
            team_score(validation, np.flatnonzero(row).tolist(), metric="accuracy", consensus=consensus)
            for row in weights
        ]
        np.testing.assert_array_equal(
            np.round(team_scorer(validation, "accuracy", consensus)(weights) * rows),
            np.round(np.array(expected) * rows),
        )


def test_everybody_right_needs_no_column() -> None:
    certain = np.log(np.maximum(np.eye(3)[None, [0, 1, 2]], 1e-30))
    validation = Validation(np.repeat(certain, 2, axis=0), np.array([0, 1, 2]))
    assert team_scorer(validation, "accuracy", "mean")(all_teams(2)).tolist() == [1.0, 1.0, 1.0]


def test_a_block_needs_memory() -> None:
    with pytest.raises(PredictionsError, match="block_bytes = 0 is refused; give at least 1"):
        replace(validation_of(0), block_bytes=0)
    tiny = replace(validation_of(0), block_bytes=1)
    assert (tiny.block_rows(3), tiny.rows(np.array([1, 2])).block_bytes) == (1, 1)
    assert team_score(tiny, [0, 2]) == pytest.approx(team_score(validation_of(0), [0, 2]), abs=1e-14)


def test_the_first_of_equals_is_best() -> None:
    assert first_best(np.array([0.1, 0.3, 0.3 + 1e-16, 0.2])) == 1


@pytest.mark.parametrize(
    ("log_probs", "labels", "message"),
    [
        (np.zeros((2, 3)), np.zeros(3, dtype=np.int64), r"give \[member, sample, class\]"),
        (np.zeros((0, 3, 2)), np.zeros(3, dtype=np.int64), "at least one of each"),
        (np.full((2, 3, 2), np.log(0.5)), np.zeros(4, dtype=np.int64), "the predictions have 3 rows"),
        (np.full((2, 3, 2), np.log(0.5)), np.array([0, 1, 2]), "label 2 in row 2 is outside the classes"),
        (np.full((2, 3, 2), np.nan), np.zeros(3, dtype=np.int64), "member 0, row 0 holds NaN"),
        (np.full((2, 3, 2), 0.5), np.zeros(3, dtype=np.int64), "member 0, row 0 does not sum to one .*logits"),
    ],
)
def test_what_is_no_validation_is_refused(
    log_probs: NDArray[np.float64], labels: NDArray[np.int64], message: str
) -> None:
    with pytest.raises(PredictionsError, match=message):
        Validation(log_probs, labels)


def test_members_that_know_only_labels_serve_accuracy_alone() -> None:
    known = [LogProbs(np.full((3, 2), np.log(0.5))), Labels(np.zeros(3, dtype=np.int64))]
    validation = Validation(known, np.zeros(3, dtype=np.int64))
    assert check_metric(validation, "accuracy") == "accuracy"
    for metric in ("nll", "brier", "ece"):
        with pytest.raises(SelectionError, match="member 1 knows only labels"):
            check_metric(validation, metric)


def test_rows_are_counts_over_the_same_predictions() -> None:
    validation = validation_of(2)
    part = validation.rows(np.array([3, 3, 0]))
    assert part.predictions is validation.predictions
    assert (part.weights[3], part.weights[0], part.total_weight) == (2, 1, 3)


def test_all_teams_helper_lists_every_team_once() -> None:
    listed = {tuple(np.flatnonzero(row)) for row in all_teams(3)}
    assert listed == {team for size in (1, 2, 3) for team in itertools.combinations(range(3), size)}
