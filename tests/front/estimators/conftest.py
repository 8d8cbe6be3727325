"""Rows of three classes by name, and rows of values."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import make_classification, make_regression

ROWS, FEATURES = 90, 5
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def classes() -> tuple[Floats, NDArray[np.str_]]:
    X, y = make_classification(ROWS, FEATURES, n_classes=3, n_informative=4, n_redundant=0, random_state=0)
    return X, np.array(["low", "mid", "up"])[y]


@pytest.fixture(scope="module")
def values() -> tuple[Floats, Floats]:
    found: tuple[Floats, Floats] = make_regression(ROWS, FEATURES, noise=20, random_state=0)
    return found
