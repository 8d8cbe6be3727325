"""A small pool whose axes all have their own lengths: 7 val rows, 5 test rows, 3 classes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.pool import Pool, Task

CLASSES = ("ant", "bee", "cat")
SIZES = {"val": 7, "test": 5}

Labels = dict[str, NDArray[np.int64]]
Predictions = dict[str, NDArray[np.float32]]


@pytest.fixture
def labels() -> Labels:
    return {"val": np.array([0, 1, 2, 0, 1, 2, 2]), "test": np.array([2, 1, 0, 0, 1])}


@pytest.fixture
def rows() -> Labels:
    return {"val": np.array([3, 1, 4, 15, 9, 2, 6]), "test": np.array([5, 35, 8, 97, 93])}


@pytest.fixture
def task(labels: Labels, rows: Labels) -> Task:
    return Task.of("insects and a cat", CLASSES, rows=rows, labels=labels)


@pytest.fixture
def pool(tmp_path: Path, task: Task, labels: Labels) -> Pool:
    return Pool.create(tmp_path / "pool", task, labels)


@pytest.fixture
def predictions() -> Callable[[int], Predictions]:
    """Log-probabilities by split, others for every seed."""

    def make(seed: int) -> Predictions:
        logits = {
            split: np.random.default_rng([seed, size]).normal(size=(size, len(CLASSES)))
            for split, size in SIZES.items()
        }
        return {
            split: (array - np.log(np.exp(array).sum(axis=1, keepdims=True))).astype(np.float32)
            for split, array in logits.items()
        }

    return make
