"""Score of who knows nothing: of a vocabulary without a number for each token of each row."""

import math

import numpy as np
import pytest

from lrensemble.metrics import score
from lrensemble.targets import Choices, Classes, Values
from lrensemble.train.sweep.strategies.gain import uninformed_score


def classes(width: int) -> Classes:
    return Classes(names=tuple(map(str, range(width))))


@pytest.mark.parametrize("target", [classes(5), classes(2), Choices(names=("A", "B", "C"))])
@pytest.mark.parametrize("metric", ["nll", "accuracy", "brier"])
def test_it_is_that_of_the_dense_constant(target: Classes, metric: str) -> None:
    truth = np.random.default_rng(0).integers(2, size=13)
    dense = np.full((13, target.width), 1 / target.width)
    assert uninformed_score(target, truth, metric) == pytest.approx(score(metric, dense, truth), rel=1e-12)


def test_a_vocabulary_finds_room() -> None:
    """12 GB, were there a number for each of 32,000 tokens in each of 50,000 rows."""
    truth = np.zeros(50_000, dtype=np.int64)
    assert uninformed_score(classes(32_000), truth, "nll") == pytest.approx(-math.log(32_000))


def test_of_values_it_is_the_mean() -> None:
    truth = np.array([[1.0], [3.0], [8.0]])
    assert uninformed_score(Values(names=("y",)), truth, "mse") == pytest.approx(-26 / 3)
