"""The score that a selector ends with: of statistics, and the definition's to the last bit."""

from dataclasses import replace

import numpy as np
import pytest

from lrensemble.consensus import combine
from lrensemble.metrics import row_values
from lrensemble.select import Validation, select, team_score
from lrensemble.select.scoring.kernels import one_team
from lrensemble.select.scoring.kernels.columns import contested_columns
from lrensemble.select.scoring.kernels.statistics import of_labels
from lrensemble.select.scoring.known_values import known_values
from lrensemble.select.scoring.team_scores import final_score, standard_error

MEMBERS, ROWS, CLASSES = 11, 83, 5


def validation_of(kind: str) -> Validation:
    generator = np.random.default_rng(4)
    labels = generator.integers(CLASSES, size=ROWS)
    probs = generator.dirichlet(np.ones(CLASSES), size=(MEMBERS, ROWS))
    if kind == "coarse":
        probs = generator.integers(1, 4, size=probs.shape).astype(np.float64)
    if kind == "labels":
        probs = np.eye(CLASSES)[probs.argmax(axis=2)]
    with np.errstate(divide="ignore"):
        return Validation(np.log(probs / probs.sum(axis=2, keepdims=True)), labels)


@pytest.mark.parametrize("small", [0, np.inf])
@pytest.mark.parametrize("kind", ["smooth", "coarse", "labels"])
@pytest.mark.parametrize("consensus", ["mean", "plurality"])
def test_values_are_those_of_the_definition(
    consensus: str, kind: str, small: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_team, "SMALL", small)
    generator = np.random.default_rng(5)
    whole = validation_of(kind)
    for validation in (whole, whole.weighted(generator.integers(0, 3, size=ROWS) * 0.7)):
        contested_columns(validation, consensus)
        of_labels(validation, consensus)
        for size in range(1, MEMBERS + 1):
            team = sorted(generator.choice(MEMBERS, size=size, replace=False).tolist())
            for weights in (None, generator.random(size).tolist(), generator.integers(1, 4, size=size).tolist()):
                shares = None if weights is None else np.array(weights, dtype=np.float64)
                rows = validation.counted
                probs = combine(consensus, validation.predictions_of(team, rows), shares)
                for metric in ("nll", "accuracy"):
                    values = known_values(validation, team, weights, metric, consensus)
                    assert values is not None
                    np.testing.assert_array_equal(values, row_values(metric, probs, validation.truth[rows]))
                    given = validation, team, weights
                    assert final_score(*given, metric=metric, consensus=consensus) == team_score(
                        *given, metric=metric, consensus=consensus
                    )
                    fresh = replace(validation), team, weights
                    assert standard_error(*given, metric=metric, consensus=consensus) == standard_error(
                        *fresh, metric=metric, consensus=consensus
                    )


def test_what_was_not_read_is_not_read_for_it() -> None:
    validation = validation_of("smooth")
    for metric, consensus in (("nll", "mean"), ("accuracy", "mean"), ("accuracy", "geometric_mean"), ("brier", "mean")):
        assert known_values(validation, (0, 2), None, metric, consensus) is None
    of_labels(validation, "mean")
    assert known_values(validation, (0, 2), None, "nll", "mean") is not None
    assert known_values(validation, (0, 2), None, "nll", "plurality") is None
    contested_columns(validation, "geometric_mean")
    assert known_values(validation, (0, 2), None, "accuracy", "geometric_mean") is None
    assert final_score(validation, (0, 2), metric="ece", consensus="mean") == team_score(
        validation, (0, 2), metric="ece"
    )


@pytest.mark.parametrize("method", ["best", "greedy", "brute_force(max_size=3)", "beam", "backward"])
@pytest.mark.parametrize("metric", ["nll", "accuracy"])
def test_selectors_end_with_the_score_of_the_definition(method: str, metric: str) -> None:
    found = select(validation_of("smooth"), method, metric=metric)
    assert found.score == team_score(validation_of("smooth"), found.team, found.weights, metric=metric)
