"""Every team of a few members scores as the definition says, to the last row."""

import functools
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.select import Validation, select, team_score
from lrensemble.select.methods.shared import exhaustive
from lrensemble.select.methods.shared.exhaustive import Sizes, search
from lrensemble.select.scoring import few_members
from lrensemble.select.scoring.few_members import batch_scorer
from lrensemble.select.scoring.kernels import small_teams, small_teams_of_votes
from lrensemble.select.scoring.kernels.small_teams import TeamBatch, batches
from lrensemble.select.scoring.kernels.small_teams_of_votes import _ones

MakeValidation = Callable[..., Validation]


@pytest.fixture(params=["one core", "all cores", "small blocks"], autouse=True)
def every_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "one core":
        monkeypatch.setattr(small_teams, "SERIAL", np.inf)
        monkeypatch.setattr(small_teams_of_votes, "SERIAL", np.inf)
    else:
        monkeypatch.setattr(small_teams, "SERIAL", 0)
        monkeypatch.setattr(small_teams_of_votes, "SERIAL", 0)
    if request.param == "small blocks":
        monkeypatch.setattr(small_teams, "BLOCK_ROWS", 19)
        monkeypatch.setattr(small_teams, "TEAMS", 30)


def seven(make_validation: MakeValidation, kind: str, weighted: bool) -> Validation:
    """Seven members, on rows that count alike or differently."""
    whole = make_validation(6, 7, 97, 5, kind=kind, dtype=np.float64)
    return whole.weighted(np.arange(97) % 4 * 0.5) if weighted else whole


@functools.cache
def defined(make_validation: MakeValidation, kind: str, weighted: bool, consensus: str) -> dict[int, list[float]]:
    """By size, the definition's score of every team of the seven: the same for every way to compute it."""
    validation = seven(make_validation, kind, weighted)
    return {
        size: [
            team_score(validation, team, metric="accuracy", consensus=consensus)
            for team in itertools.combinations(range(7), size)
        ]
        for size in range(1, 8)
    }


@pytest.mark.parametrize("kind", ["smooth", "coarse", "labels", "mixed", "sharp", "tied"])
@pytest.mark.parametrize("consensus", ["mean", "plurality"])
def test_every_team_scores_as_the_definition(consensus: str, kind: str, make_validation: MakeValidation) -> None:
    for weighted in (False, True):
        validation = seven(make_validation, kind, weighted)
        expected = defined(make_validation, kind, weighted, consensus)
        for largest in (4, 7):
            scorer = batch_scorer(validation, "accuracy", consensus, largest)
            assert scorer is not None
            for size in range(1, largest + 1):
                scores = np.concatenate([scorer(batch) for batch in batches(7, size)])
                np.testing.assert_allclose(scores, expected[size], rtol=0, atol=1e-13)


def test_teams_stand_in_the_order_of_their_indices() -> None:
    for members, size in ((1, 1), (5, 1), (6, 3), (4, 4), (9, 2)):
        found = [batch.team(place) for batch in batches(members, size) for place in range(batch.first[-1])]
        assert found == list(itertools.combinations(range(members), size))


def test_more_than_seven_votes_are_counted_as_margins(make_validation: MakeValidation) -> None:
    validation = make_validation(1, 10, 40, 3, kind="labels")
    scorer = batch_scorer(validation, "accuracy", "plurality", 9)
    assert scorer is not None
    (batch,) = list(batches(10, 9))[:1]
    team = batch.team(0)
    assert scorer(batch)[0] == pytest.approx(
        team_score(validation, team, metric="accuracy", consensus="plurality"), abs=1e-13
    )


def test_bits_are_counted() -> None:
    words = np.random.default_rng(0).integers(2**63, size=37, dtype=np.uint64) * np.uint64(2)
    words[3] = np.uint64(2**64 - 1)
    assert _ones(words) == np.bitwise_count(words).sum()


def test_a_pool_that_nobody_contests() -> None:
    certain = np.log(np.maximum(np.eye(3)[None, [0, 1, 2]], 1e-30))
    validation = Validation(np.repeat(certain, 4, axis=0), np.array([0, 1, 0]))
    assert scores_of(validation, 2).tolist() == [2 / 3] * 6


def test_the_largest_sums_fit_their_sixteen_bits() -> None:
    """Four members are all but certain of the label, three of the other class: the majority of a team has it."""
    of_label = np.repeat([0.999, 0.001], [4, 3])
    probs = np.stack([np.stack([of_label, 1 - of_label], axis=1), np.stack([1 - of_label, of_label], axis=1)], axis=1)
    scores = scores_of(Validation(np.log(probs), np.array([0, 1])), 3)
    teams = itertools.combinations(range(7), 3)
    assert scores.tolist() == [float(sum(member < 4 for member in team) > 1) for team in teams]


def test_what_has_no_kernel_has_none(make_validation: MakeValidation, monkeypatch: pytest.MonkeyPatch) -> None:
    validation = make_validation(0, 4, 9, 2)
    for metric, consensus in (("nll", "mean"), ("accuracy", "geometric_mean"), ("brier", "mean")):
        assert batch_scorer(validation, metric, consensus, 2) is None
    monkeypatch.setattr(few_members, "MOST_WEIGHTS", 1)
    assert batch_scorer(validation.weighted(np.arange(9) + 1.0), "accuracy", "mean", 2) is None


@pytest.mark.parametrize("kind", ["smooth", "labels"])
def test_the_search_takes_it_and_finds_the_same(
    kind: str, make_validation: MakeValidation, monkeypatch: pytest.MonkeyPatch
) -> None:
    validation = make_validation(2, 13, 61, 4, kind=kind)
    sizes = Sizes(13, 2, 3)
    expected = search(validation, sizes, "accuracy", "mean")
    monkeypatch.setattr(exhaustive, "SMALL", 0)
    used: list[int] = []

    def noted(members: int, size: int) -> Iterator[TeamBatch]:
        used.append(size)
        return batches(members, size)

    monkeypatch.setattr(exhaustive, "batches", noted)
    found = search(validation, sizes, "accuracy", "mean")
    assert used == [2, 3]
    assert (found.incumbent.team, found.incumbent.ties, found.tried) == (
        expected.incumbent.team,
        expected.incumbent.ties,
        expected.tried,
    )
    assert found.scores is not None
    assert expected.scores is not None
    np.testing.assert_allclose(np.sort(found.scores), np.sort(expected.scores), rtol=0, atol=1e-13)
    assert select(validation, "brute_force(min_size=2, max_size=3)", metric="accuracy").team == expected.incumbent.team


def scores_of(validation: Validation, size: int) -> NDArray[np.float64]:
    """Of all teams of a size."""
    scorer = batch_scorer(validation, "accuracy", "mean", size)
    assert scorer is not None
    return np.concatenate([scorer(batch) for batch in batches(validation.members, size)])


def test_a_row_that_does_not_count_changes_nothing(make_validation: MakeValidation) -> None:
    validation = make_validation(3, 5, 31, 3, kind="mixed")
    kept = np.arange(31) % 3 > 0
    part = Validation(validation.predictions[:, kept], validation.truth[kept])
    np.testing.assert_allclose(scores_of(validation.weighted(kept * 1.0), 2), scores_of(part, 2), atol=1e-13)
