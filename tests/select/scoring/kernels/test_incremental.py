"""A growing team scores with each candidate as the definition says, over all rows and over resampled ones."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.pairwise import pairwise

from lrensemble.select import Validation, team_score
from lrensemble.select.scoring.incremental import incremental_team
from lrensemble.select.scoring.kernels import incremental_accuracy, incremental_nll
from lrensemble.select.scoring.kernels.columns import contested_columns
from lrensemble.select.scoring.kernels.incremental_accuracy import accuracy_team
from lrensemble.select.scoring.kernels.incremental_arrays import small_accuracy_team

MakeValidation = Callable[..., Validation]
KINDS = ("smooth", "coarse", "labels", "mixed", "sharp", "tied")


def slowly(validation: Validation, counts: NDArray[np.float64], metric: str, consensus: str) -> list[float]:
    scores = []
    for member in range(validation.members):
        more = counts.copy()
        more[member] += 1
        team = np.flatnonzero(more)
        scores.append(team_score(validation, team.tolist(), more[team].tolist(), metric=metric, consensus=consensus))
    return scores


WAYS = {"arrays": {}, "one core": {"SMALL": 0}, "all cores": {"SMALL": 0, "SERIAL": 0}}
"""Limits of the kernels, by the way in which small arrays are then scored."""
MEMBERS = (3, 0, 3, 1, 4, 3)
"""Those that are added one after the other."""


@pairwise(
    {
        "metric": ("accuracy", "nll", "brier"),
        "consensus": ("mean", "plurality", "geometric_mean", "majority"),
        "kind": KINDS,
    }
)
def test_each_addition_scores_as_the_definition(
    metric: str, consensus: str, kind: str, make_validation: MakeValidation, monkeypatch: pytest.MonkeyPatch
) -> None:
    validation = make_validation(2, 5, 43, 4, kind=kind, dtype=np.float64)
    rows = np.random.default_rng(1).integers(43, size=31)
    for sample in (validation, validation.rows(rows)):
        counts = [np.bincount(MEMBERS[:size], minlength=5).astype(np.float64) for size in range(len(MEMBERS))]
        expected = [slowly(sample, each, metric, consensus) for each in counts]
        for limits in WAYS.values():
            with monkeypatch.context() as patch:
                for name, value in limits.items():
                    patch.setattr(incremental_accuracy, name, value)
                    patch.setattr(incremental_nll, name, value)
                assert_additions_score(sample, metric, consensus, expected)


def assert_additions_score(sample: Validation, metric: str, consensus: str, expected: list[list[float]]) -> None:
    """Before each of `MEMBERS` is added, the team scores with every member as expected."""
    team = incremental_team(sample, metric, consensus)
    for member, wanted in zip(MEMBERS, expected, strict=True):
        scores = team.scores(np.arange(5))
        if metric == "accuracy":
            np.testing.assert_array_equal(
                np.round(scores * sample.total_weight), np.round(np.array(wanted) * sample.total_weight)
            )
        else:
            np.testing.assert_allclose(scores, wanted, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(team.scores(np.array([4, 1])), scores[[4, 1]])
        team = team.added(member)


def test_adding_leaves_the_team_before_as_it_was(make_validation: MakeValidation) -> None:
    validation = make_validation(0, 4, 29, 3)
    for metric in ("accuracy", "nll", "brier", "ece"):
        team = incremental_team(validation, metric, "mean")
        before = team.scores(np.arange(4))
        team.added(1).added(2)
        np.testing.assert_array_equal(team.scores(np.arange(4)), before)


@pairwise({"consensus": ("mean", "plurality"), "kind": KINDS, "cores": (1, 2)})
def test_columns_that_wait_are_looked_at_in_time(
    consensus: str, kind: str, cores: int, make_validation: MakeValidation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Teams of up to a hundred, some of one member again and again, as whole arrays have it, which wait for nothing."""
    monkeypatch.setattr(incremental_accuracy, "SERIAL", 0 if cores == 2 else np.inf)
    validation = make_validation(8, 9, 240, 4, kind=kind, dtype=np.float64)
    columns, weights = contested_columns(validation, consensus), (np.arange(240) % 4).astype(np.float64)
    slow = small_accuracy_team(columns, weights)
    monkeypatch.setattr(incremental_accuracy, "SMALL", 0)
    fast = accuracy_team(columns, weights)
    generator = np.random.default_rng(3)
    for step in range(100):
        member = int(generator.integers(9)) if step % 20 < 8 else step // 20
        np.testing.assert_array_equal(fast.scores(np.arange(9)), slow.scores(np.arange(9)))
        fast, slow = fast.added(member), slow.added(member)
