"""Metrics of the confusion matrix: every team that grows, is weighed or is listed scores as the definition says."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrensemble.metrics import METRICS, predicted_classes
from lrensemble.select import Validation, team_score
from lrensemble.select.scoring.incremental import ScorerTeam, incremental_team
from lrensemble.select.scoring.kernels import confusion
from lrensemble.select.scoring.kernels.candidates import CLEAR, NEAR, candidates
from lrensemble.select.scoring.kernels.confusion import confusion_counter, confusion_team
from lrensemble.select.scoring.kernels.exhaustive.all_teams import block_scorer, split
from lrensemble.select.scoring.kernels.subsets import Halves
from lrensemble.select.scoring.team_scores import team_scorer
from lrensemble.spec import Spec

MakeValidation = Callable[..., Validation]
ScoreAll = Callable[..., NDArray[np.float64]]
KINDS = ("smooth", "coarse", "labels", "mixed", "sharp")
CONSENSUS = ("mean", "plurality", "geometric_mean")
METRICS_TRIED = (
    "balanced_accuracy",
    "f1(average='macro')",
    "matthews_corrcoef",
    "cohen_kappa(weighting='quadratic')",
    "cost(matrix=[[0.0, 1.0, 2.0, 5.0], [3.0, 0.0, 1.0, 1.0], [1.0, 1.0, -1.0, 1.0], [9.0, 1.0, 4.0, 0.0]])",
)

TRIED = [
    pytest.param(metric, consensus, kind, marks=[pytest.mark.long] * (metric != METRICS_TRIED[0] and kind != "mixed"))
    for metric, consensus, kind in itertools.product(METRICS_TRIED, CONSENSUS, KINDS)
]
"""One metric on all kinds of members, for all have the same counts; every metric on one kind."""


def definition(
    validation: Validation, weights: NDArray[np.float64], metric: str, consensus: str
) -> NDArray[np.float64]:
    """[team] the definition's score of teams with weights [team, member], one after another."""
    scores = []
    for row in weights:
        team = np.flatnonzero(row).tolist()
        scores.append(team_score(validation, team, row[team].tolist(), metric=metric, consensus=consensus))
    return np.array(scores)


@pytest.mark.parametrize(("metric", "consensus", "kind"), TRIED)
def test_each_addition_scores_as_the_definition(
    metric: str, consensus: str, kind: str, make_validation: MakeValidation
) -> None:
    validation = make_validation(2, 5, 43, 4, kind=kind, dtype=np.float64)
    rows = np.random.default_rng(1).integers(43, size=31)
    for sample in (validation, validation.rows(rows)):
        team = incremental_team(sample, metric, consensus)
        assert not isinstance(team, ScorerTeam), "the fast path is taken"
        counts = np.zeros(5)
        for member in (3, 0, 3, 1, 4, 3):
            scores = team.scores(np.arange(5))
            np.testing.assert_array_equal(scores, definition(sample, counts + np.eye(5), metric, consensus))
            np.testing.assert_array_equal(team.scores(np.array([4, 1])), scores[[4, 1]])
            team = team.added(member)
            counts[member] += 1


@pytest.mark.parametrize(("metric", "consensus", "kind"), TRIED)
def test_every_subset_scores_as_the_definition(
    metric: str, consensus: str, kind: str, make_validation: MakeValidation, score_all: ScoreAll
) -> None:
    validation = make_validation(3, 6, 47, 4, kind=kind, dtype=np.float64)
    scorer = block_scorer(validation, METRICS.check(metric), consensus)
    assert scorer is not None
    expected = score_all(validation, metric, consensus)[1:]
    for halves in (split(6), Halves(2, 3, 0), Halves(1, 2, 0)):
        tops = range(1 << (6 - halves.bits))
        scores = np.concatenate([scorer(replace(halves, top=top)) for top in tops])
        np.testing.assert_array_equal(scores[1:], expected)


def test_many_teams_are_taken_in_parts(
    make_validation: MakeValidation, score_all: ScoreAll, monkeypatch: pytest.MonkeyPatch
) -> None:
    validation = make_validation(5, 9, 29, 3, kind="coarse")
    expected = score_all(validation, "f1", "mean")[1:]
    masks = np.arange(1, 512)
    weights = (masks[:, None] >> np.arange(9) & 1).astype(np.float64)
    np.testing.assert_array_equal(team_scorer(validation, "f1", "mean")(weights), expected)
    monkeypatch.setattr(confusion, "CELLS", 1)
    np.testing.assert_array_equal(team_scorer(validation, "f1", "mean")(weights), expected)
    scorer = block_scorer(validation, "f1", "mean")
    assert scorer is not None
    np.testing.assert_array_equal(scorer(split(9))[1:], expected)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 9), st.integers(1, 5), st.sampled_from(CONSENSUS))
def test_any_weights_on_few_distinct_probabilities(
    seed: int, members: int, rows: int, classes: int, consensus: str
) -> None:
    """Classes tie all the time, some of them only up to rounding."""
    generator = np.random.default_rng(seed)
    counts = generator.integers(1, 4, size=(members, rows, classes)).astype(np.float64)
    validation = Validation(np.log(counts / counts.sum(axis=2, keepdims=True)), generator.integers(classes, size=rows))
    weights = generator.integers(0, 3, size=(7, members)) * generator.choice([1.0, 0.1, 1 / 3], size=(7, 1))
    weights[weights.sum(axis=1) == 0] = 1.0
    weights[0] = generator.random(members) + 0.01
    scores = team_scorer(validation, "balanced_accuracy", consensus)(weights)
    np.testing.assert_allclose(scores, definition(validation, weights, "balanced_accuracy", consensus), rtol=1e-13)


@pytest.mark.parametrize("consensus", CONSENSUS)
def test_rows_count_by_their_weights(consensus: str, make_validation: MakeValidation) -> None:
    validation = make_validation(4, 5, 37, 4, kind="coarse")
    times = np.random.default_rng(2).integers(0, 4, size=37)
    repeated = validation.rows(np.repeat(np.arange(37), times))
    expected = definition(repeated, np.eye(5) + np.array([0, 1, 0, 2, 0]), "matthews_corrcoef", consensus)
    for scale in (1.0, 0.25):
        counter = confusion_counter(validation.weighted(times * scale), Spec("matthews_corrcoef"), Spec(consensus))
        assert counter is not None
        team = confusion_team(counter).added(3).added(1).added(3)
        np.testing.assert_allclose(team.scores(np.arange(5)), expected, rtol=1e-13)


def test_settled_rows_are_few_where_members_differ_and_all_where_they_agree(make_validation: MakeValidation) -> None:
    validation = make_validation(0, 5, 200, 4)
    found = candidates(validation, "probabilities")
    settled = found.settled >= 0
    assert 0 < settled.sum() < 200
    said = predicted_classes(validation.probs)
    np.testing.assert_array_equal(said[:, settled], np.broadcast_to(found.settled[settled], (5, settled.sum())))
    alike = replace(validation, predictions=np.repeat(validation.predictions[:1], 3, axis=0))
    assert len(candidates(alike, "votes").row) == 0
    every = team_scorer(alike, "f1", "plurality")(np.eye(3))
    np.testing.assert_array_equal(every, definition(alike, np.eye(3), "f1", "plurality"))


def test_what_is_left_to_the_definition_is_wider_than_its_rule_for_ties() -> None:
    for base in (0.1, 0.3, 0.4999):
        probs = np.array([[base, base + NEAR, 1 - 2 * base - NEAR], [base + NEAR, base, 1 - 2 * base - NEAR]])
        probs[:, 2] = 0.0
        assert predicted_classes(probs).tolist() == [1, 0]
    assert CLEAR > NEAR


@pytest.mark.parametrize(("metric", "consensus"), [("roc_auc", "mean"), ("f1", "majority"), ("f1", "tempered")])
def test_all_else_is_left_to_the_definition(metric: str, consensus: str, make_validation: MakeValidation) -> None:
    validation = make_validation(1, 3, 23, 3)
    assert confusion_counter(validation, METRICS.check(metric), Spec(consensus)) is None
    np.testing.assert_allclose(
        team_scorer(validation, metric, consensus)(np.eye(3)), definition(validation, np.eye(3), metric, consensus)
    )


def test_aliases_take_the_same_path(make_validation: MakeValidation) -> None:
    validation = make_validation(1, 4, 23, 3)
    for alias, name in (("log_loss", "nll"), ("accuracy_score", "accuracy"), ("f1_score", "f1")):
        by_alias, by_name = (
            incremental_team(validation, metric, "mean").scores(np.arange(4)) for metric in (alias, name)
        )
        np.testing.assert_array_equal(by_alias, by_name)
        assert block_scorer(validation, alias, "mean") is not None
