"""What pools cost, and what each needs to reach a score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.study.studies import EPOCHS, SAMPLES, skilled_pool

from lrensemble.evaluate.study.findings.cost import Spent, as_record, costs_to_scores
from lrensemble.evaluate.study.record import Drawing, PoolSize, Range, StudyCost


def test_all_runs_count_also_those_that_died(tmp_path: Path) -> None:
    spent = Spent.on(skilled_pool(tmp_path, [1, 1, 1, 1], dead=2))
    assert spent.total.tolist() == [6 * EPOCHS, 6 * SAMPLES, 12.0]
    assert spent.share(2).tolist() == [3 * EPOCHS, 3 * SAMPLES, 6.0]
    assert spent.of([0, 3, 1]).tolist() == [4.5 * EPOCHS, 4.5 * SAMPLES, 9.0]


def test_what_a_part_was_taken_from_counts_in_full(tmp_path: Path) -> None:
    whole = skilled_pool(tmp_path / "whole", [1, 1, 1, 1, 1], dead=3)
    spent = Spent.on(skilled_pool(tmp_path / "part", [1, 1]), whole)
    assert spent.total.tolist() == [8 * EPOCHS, 8 * SAMPLES, 16.0]
    assert spent.share(1).tolist() == [7 * EPOCHS, 7 * SAMPLES, 14.0]


def test_of_a_pool_without_members_the_dead_count(tmp_path: Path) -> None:
    assert Spent.on(skilled_pool(tmp_path, [], dead=3)).total[1:].tolist() == [3 * SAMPLES, 6.0]


def test_what_is_unknown_is_none() -> None:
    assert as_record(np.array([np.nan, 3.0, np.nan])) == StudyCost(epochs=None, samples=3.0, seconds=None)


def sized(pool: str, size: int, score: float, *, single: float = 0.5, drawing: Drawing = "drawn") -> PoolSize:
    return PoolSize(
        pool=pool,
        drawing=drawing,
        size=size,
        draws=3,
        cost=StudyCost(epochs=10.0 * size, samples=100.0 * size, seconds=None),
        team={"accuracy": Range(mean=score, low=score, high=score)},
        single={"accuracy": Range(mean=single, low=single, high=single)},
        replicates={"accuracy": (score,)},
    )


@pytest.mark.parametrize(
    ("curve", "reached", "members"),
    [
        ([(1, 0.7)], True, 1.0),  # by the first member
        ([(1, 0.4), (2, 0.6)], True, 2.0),
        ([(1, 0.4), (2, 0.5), (4, 0.7)], True, 3.0),  # half-way between two and four
        ([(4, 0.7), (2, 0.5), (1, 0.4)], True, 3.0),  # in any order
        ([(1, 0.5), (2, 0.65), (3, 0.55), (4, 0.8)], True, 1 + 2 / 3),  # the first time counts
        ([(1, 0.4), (2, 0.59)], False, 2.0),
    ],
)
def test_by_hand(curve: list[tuple[int, float]], reached: bool, members: float) -> None:
    sizes = [sized("ref", 1, 0.5), sized("ref", 2, 0.6), *(sized("own", size, score) for size, score in curve)]
    (found,) = [
        each
        for each in costs_to_scores(sizes, "ref", ["accuracy"])
        if (each.pool, each.target) == ("own", "default team")
    ]
    assert (found.score, found.reached) == (0.6, reached)
    assert found.members == pytest.approx(members)
    assert found.cost.samples == pytest.approx(100 * members)
    assert found.cost.seconds is None


def test_losses_are_reached_from_above() -> None:
    def lossy(pool: str, size: int, loss: float) -> PoolSize:
        own = {"nll": Range(mean=loss, low=loss, high=loss)}
        return sized(pool, size, 0).model_copy(update={"team": own, "single": own})

    sizes = [lossy("ref", 1, 0.9), lossy("ref", 4, 0.5), lossy("own", 1, 0.7), lossy("own", 3, 0.3)]
    found = {(each.pool, each.target): each for each in costs_to_scores(sizes, "ref", ["nll"])}
    assert found["own", "default team"].members == pytest.approx(2)
    assert found["ref", "default team"].members == pytest.approx(4)


def test_without_the_reference_there_is_nothing_to_reach() -> None:
    assert list(costs_to_scores([sized("own", 1, 0.5)], "ref", ["accuracy"])) == []
