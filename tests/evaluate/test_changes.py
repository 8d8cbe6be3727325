"""Where a team differs from the best single model, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lrensemble.evaluate.changes import Changes, changes, class_and_probability

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
def found() -> Changes:
    return changes(LABELS, *(class_and_probability(probs, LABELS) for probs in (SINGLE, TEAM)))


def test_what_model_and_team_say(found: Changes) -> None:
    assert found.labels.tolist() == LABELS.tolist()
    assert found.before.tolist() == [0, 1, 1, 3, 0, 2], "a tie goes to the lowest class"
    assert found.after.tolist() == [0, 0, 1, 1, 2, 3]


def test_how_much_more_probable_the_team_finds_the_label(found: Changes) -> None:
    assert found.gained == pytest.approx([-0.1, 0.5, -0.1, 0.3, -0.1, -0.2], abs=1e-12)


def test_by_class(found: Changes) -> None:
    table = found.by_class(4)
    assert table[:, 0].tolist() == [2, 3, 1, 0]
    assert table[:3, 1] == pytest.approx([0.5, 1 / 3, 1.0])
    assert table[:3, 2] == pytest.approx([1.0, 2 / 3, 0.0])
    assert np.isnan(table[3, 1:]).all(), "a class without rows has no accuracy"


def test_a_team_that_says_the_same_changes_nothing() -> None:
    single = class_and_probability(SINGLE, LABELS)
    found = changes(LABELS, single, single)
    assert (found.before == found.after).all()
    assert (found.gained == 0).all()
