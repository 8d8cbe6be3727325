"""Teams are counted once, however often a search comes back to them."""

import numpy as np
import pytest

from lrensemble.select import Validation, select
from lrensemble.select.methods.shared.forward_selection import Rules, best_prefix
from lrensemble.select.methods.shared.searching import DistinctTeams
from lrensemble.select.scoring.incremental import incremental_team


def validation_of(members: int, rows: int = 61) -> Validation:
    generator = np.random.default_rng(members)
    labels = generator.integers(3, size=rows)
    logits = generator.normal(size=(members, rows, 3))
    logits[:, np.arange(rows), labels] += 1
    return Validation(logits - np.log(np.exp(logits).sum(axis=2, keepdims=True)), labels)


def test_teams_of_the_same_proportions_are_one() -> None:
    seen = DistinctTeams(4)
    assert seen.count == 0
    seen.add(np.array([[1.0, 0, 0, 0], [3, 0, 0, 0], [1, 2, 0, 0], [2, 4, 0, 0], [2, 1, 0, 0]]))
    assert seen.count == 3
    seen.add_candidates(np.array([1.0, 1, 0, 0]), np.array([1, 3]))  # (1, 2, 0, 0) again, and (1, 1, 0, 1)
    assert seen.count == 4


def test_as_many_as_listed_exactly() -> None:
    generator = np.random.default_rng(0)
    weights = generator.integers(0, 3, size=(5000, 7)).astype(np.float64)
    weights = weights[weights.sum(axis=1) > 0]
    seen = DistinctTeams(7)
    for start in range(0, len(weights), 97):
        seen.add(weights[start : start + 97])
    listed = {tuple((row // np.gcd.reduce(row.astype(int))).tolist()) for row in weights}
    assert seen.count == len(listed)


def test_one_member_is_one_team() -> None:
    for name in ("greedy", "anneal", "branch_and_bound", "beam", "backward", "brute_force", "random(trials=9)", "all"):
        found = select(validation_of(1), name, metric="accuracy")
        assert found.tried == 1, name
        assert found.caution == "", name


def test_greedy_counts_the_teams_of_all_its_runs_once() -> None:
    found = select(validation_of(2), "greedy(size=4, bootstrap=40)")
    assert found.tried <= 7, "two members with shares of 0, 1/4, 1/3, 1/2, 2/3, 3/4 or 1"
    counts, tried = best_prefix(
        incremental_team(validation_of(5), "nll", "mean"), None, Rules(1, np.ones(5, dtype=bool))
    )
    assert (counts.sum(), tried) == (1, 5)


@pytest.mark.parametrize("name", ["anneal", "branch_and_bound", "random(size=2, trials=99)"])
def test_no_more_teams_than_there_are(name: str) -> None:
    for metric in ("nll", "accuracy"):
        assert 1 < select(validation_of(5), name, metric=metric).tried <= 31
