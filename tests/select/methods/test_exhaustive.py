"""The search over all teams: both its ways agree, it counts ties, and it can be interrupted."""

import itertools
import logging
from collections.abc import Iterator

import numpy as np
import pytest

from lrensemble.select import Validation, select, team_score
from lrensemble.select.methods.shared import exhaustive
from lrensemble.select.methods.shared.exhaustive import ScoredTeams, Sizes, search
from lrensemble.select.methods.shared.searching import Incumbent
from lrensemble.select.scoring.team_scores import standard_error

MEMBERS, ROWS, CLASSES = 6, 71, 3


def validation_of(seed: int, distinct: int = MEMBERS) -> Validation:
    generator = np.random.default_rng(seed)
    labels = generator.integers(CLASSES, size=ROWS)
    probs = generator.dirichlet(np.ones(CLASSES), size=(distinct, ROWS))
    probs[:, np.arange(ROWS), labels] += 0.4
    probs = probs[np.arange(MEMBERS) % distinct]
    return Validation(np.log(probs / probs.sum(axis=2, keepdims=True)).astype(np.float32), labels)


@pytest.mark.parametrize("consensus", ["mean", "plurality", "geometric_mean", "majority"])
@pytest.mark.parametrize("metric", ["accuracy", "nll", "brier"])
def test_both_ways_find_the_same(metric: str, consensus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for validation, (smallest, largest) in itertools.product(
        (validation_of(0), validation_of(1, distinct=3)), [(1, 6), (2, 4), (3, 3), (6, 6)]
    ):
        sizes = Sizes(MEMBERS, smallest, largest)
        found = search(validation, sizes, metric, consensus)
        monkeypatch.setattr(exhaustive, "WASTE", 0)
        other = search(validation, sizes, metric, consensus)
        monkeypatch.undo()
        teams = [t for n in range(smallest, largest + 1) for t in itertools.combinations(range(MEMBERS), n)]
        scores = np.array([team_score(validation, team, metric=metric, consensus=consensus) for team in teams])
        tied = np.flatnonzero(scores >= scores.max() - 1e-12)
        for way in (found, other):
            assert way.scores is not None
            assert way.incumbent.team == teams[tied[0]]
            assert way.incumbent.ties == len(tied)
            assert way.tried == sizes.count == len(teams)
            np.testing.assert_allclose(np.sort(way.scores), np.sort(scores), atol=1e-12)


def test_how_stable_the_choice_is() -> None:
    validation = validation_of(2, distinct=2)
    found = select(validation, "brute_force", metric="accuracy")
    teams = [t for n in range(1, 7) for t in itertools.combinations(range(MEMBERS), n)]
    scores = np.array([team_score(validation, team, metric="accuracy") for team in teams])
    error = standard_error(validation, found.team, metric="accuracy", consensus="mean")
    assert error is not None
    assert error == pytest.approx(np.sqrt(found.score * (1 - found.score) / (ROWS - 1)))
    assert found.details == {
        "search": "exhaustive",
        "complete": True,
        "tied": int((scores == scores.max()).sum()),
        "standard_error": error,
        "within_standard_error": int((scores >= found.score - error - 1e-12).sum()),
    }
    assert found.details["within_standard_error"] > found.details["tied"] > 1
    assert "standard_error" not in select(validation, "brute_force", metric="ece").details


def test_an_interrupt_returns_the_best_so_far(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupted(*_: object) -> Iterator[ScoredTeams]:
        yield ScoredTeams((1,), np.array([0.25, 0.5]))
        yield ScoredTeams((0, 2), np.array([0.75]))
        raise KeyboardInterrupt

    monkeypatch.setattr(exhaustive, "_in_blocks", interrupted)
    with caplog.at_level(logging.WARNING):
        found = search(validation_of(3), Sizes(MEMBERS, 1, MEMBERS), "nll", "mean")
    assert (found.incumbent.team, found.tried, found.complete) == ((0, 2), 3, False)
    assert "interrupted after 3 of 63 teams" in caplog.text
    selection = select(validation_of(3), "brute_force")
    assert (selection.tried, selection.details["complete"]) == (3, False)


def test_an_interrupt_before_any_team_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> Iterator[ScoredTeams]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(exhaustive, "_in_blocks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        search(validation_of(3), Sizes(MEMBERS, 1, MEMBERS), "nll", "mean")


def test_progress_is_logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(exhaustive, "SECONDS_BETWEEN_REPORTS", -1.0)
    with caplog.at_level(logging.INFO):
        select(validation_of(4), "brute_force")
    assert "63 of 63 teams scored, best so far" in caplog.text


def test_an_incumbent_keeps_the_first_of_equals() -> None:
    incumbent = Incumbent()
    incumbent.update((2, 3), 0.5, ties=4)
    incumbent.update((1, 4), 0.5 + 1e-14, ties=2)
    incumbent.update((0, 1, 2), 0.5)
    assert (incumbent.team, incumbent.ties) == ((1, 4), 7)
    incumbent.update((5,), 0.5 - 1e-13)
    assert (incumbent.team, incumbent.ties) == ((5,), 8)
    incumbent.update((6,), 0.4)
    assert incumbent.ties == 8
    incumbent.update((0, 6), 0.6)
    assert (incumbent.team, incumbent.score, incumbent.ties) == ((0, 6), 0.6, 1)
