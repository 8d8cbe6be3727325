"""A small pool that was trained through the front door, with teams."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.cli.conftest import command  # noqa: F401  (a fixture for the tests here as well)

import lrensemble

ROWS, FEATURES = 120, 5


@pytest.fixture(scope="session")
def inputs() -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(size=(ROWS, FEATURES))


@pytest.fixture(scope="session")
def named(inputs: NDArray[np.float64]) -> NDArray[np.str_]:
    """The class of each row, by name."""
    return np.where(inputs[:, 0] + inputs[:, 1] > 0, "warm", "cold")


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory, inputs: NDArray[np.float64], named: NDArray[np.str_]
) -> lrensemble.Pool:
    experiment = {
        "data": (inputs, named),
        "model": "mlp(width=8)",
        "policy": ["cosine(peak=0.1)", "constant(peak=0.05)", lambda step: 0.1 / (1 + step)],
        "train": {"epochs": 2, "batch_size": 16},
    }
    pool = lrensemble.tune(experiment, tmp_path_factory.mktemp("front") / "pool")
    lrensemble.select(pool, ["all", "best", "greedy"])
    return pool


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"
