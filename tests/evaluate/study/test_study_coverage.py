"""Intervals hold what they say: a short sample of `benchmarks.study_intervals`."""

from __future__ import annotations

import pytest
from benchmarks.study_intervals import MODELS, coverage

FIRST = next(iter(MODELS))
DRAWS = 200
LEAST = 0.905
"""Three standard errors of 200 draws below 0.95."""


@pytest.mark.parametrize(
    ("replicates", "pools", "model"),
    [
        *((3, 1, model) for model in MODELS),
        (5, 3, FIRST),
        *(pytest.param(5, 3, model, marks=pytest.mark.long) for model in MODELS if model != FIRST),
    ],
)
def test_intervals_hold(replicates: int, pools: int, model: str) -> None:
    found = coverage(MODELS[model], replicates, pools, DRAWS)
    assert found.rows >= LEAST
    assert found.replicates >= LEAST
    assert found.both >= LEAST
