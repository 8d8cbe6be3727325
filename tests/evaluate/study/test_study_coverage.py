"""Intervals hold what they say: a short sample of `benchmarks.study_intervals`."""

from __future__ import annotations

import pytest
from benchmarks.study_intervals import MODELS, coverage

DRAWS = 200
LEAST = 0.905
"""Three standard errors of 200 draws below 0.95."""


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("replicates", "pools"), [(3, 1), (5, 3)])
def test_intervals_hold(model: str, replicates: int, pools: int) -> None:
    found = coverage(MODELS[model], replicates, pools, DRAWS)
    assert found.rows >= LEAST
    assert found.replicates >= LEAST
    assert found.both >= LEAST
