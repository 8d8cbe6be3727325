"""Where a team differs from the best single model, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.pools import pool_of

from lrensemble.evaluate import changes
from lrensemble.pool import Pool

LABELS = np.array([0, 0, 1, 1, 1, 2])
SINGLE = np.array(
    [
        [0.6, 0.3, 0.05, 0.05],
        [0.2, 0.6, 0.1, 0.1],
        [0.1, 0.7, 0.1, 0.1],
        [0.1, 0.2, 0.3, 0.4],
        [0.3, 0.3, 0.2, 0.2],
        [0.1, 0.1, 0.4, 0.4],
    ]
)
TEAM = np.array(
    [
        [0.5, 0.3, 0.1, 0.1],
        [0.7, 0.1, 0.1, 0.1],
        [0.1, 0.6, 0.2, 0.1],
        [0.1, 0.5, 0.2, 0.2],
        [0.2, 0.2, 0.4, 0.2],
        [0.1, 0.1, 0.2, 0.6],
    ]
)


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return pool_of(tmp_path, (LABELS, SINGLE[None]), (LABELS, SINGLE[None]), names=("a",))


def test_what_model_and_team_say(pool: Pool) -> None:
    (single,) = pool.members()
    found = changes(pool, single, TEAM)
    assert found.labels.tolist() == LABELS.tolist()
    assert found.before.tolist() == [0, 1, 1, 3, 0, 2], "a tie goes to the lowest class"
    assert found.after.tolist() == [0, 0, 1, 1, 2, 3]


def test_how_much_more_probable_the_team_finds_the_label(pool: Pool) -> None:
    (single,) = pool.members()
    assert changes(pool, single, TEAM).gained == pytest.approx([-0.1, 0.5, -0.1, 0.3, -0.1, -0.2], abs=1e-6)


def test_by_class(pool: Pool) -> None:
    (single,) = pool.members()
    table = changes(pool, single, TEAM).by_class(4)
    assert table[:, 0].tolist() == [2, 3, 1, 0]
    assert table[:3, 1] == pytest.approx([0.5, 1 / 3, 1.0])
    assert table[:3, 2] == pytest.approx([1.0, 2 / 3, 0.0])
    assert np.isnan(table[3, 1:]).all(), "a class without rows has no accuracy"


def test_a_team_that_says_the_same_changes_nothing(pool: Pool) -> None:
    (single,) = pool.members()
    found = changes(pool, single, np.exp(single.predictions("test").main.astype(np.float64)))
    assert (found.before == found.after).all()
    assert (found.gained == 0).all()
