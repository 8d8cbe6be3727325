"""Holm's adjustment against its definition, step by step."""

import numpy as np
import pytest

from lrensemble.metrics.significance import holm


def by_definition(p_values: list[float]) -> list[float]:
    """Step down: the smallest p times all of them, the next times one less, never below one before, at most 1."""
    found, highest = dict[int, float](), 0.0
    for step, place in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        highest = max(highest, p_values[place] * (len(p_values) - step))
        found[place] = min(1.0, highest)
    return [found[place] for place in range(len(p_values))]


@pytest.mark.parametrize("count", [1, 2, 7])
def test_it_is_the_definition(count: int) -> None:
    draw = np.random.default_rng(count)
    for _ in range(20):
        given = np.round(draw.random(count), 1).tolist()  # with ties
        assert holm(given) == pytest.approx(by_definition(given))


def test_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
