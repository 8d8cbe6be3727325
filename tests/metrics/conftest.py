"""Arrays that other tools measured as well."""

import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture
def drawn() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture
def said(drawn: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities [60, 4] and labels [60] drawn from them."""
    probs = drawn.dirichlet(np.full(4, 0.6), size=60)
    return probs, np.array([drawn.choice(4, p=row) for row in probs])


@pytest.fixture
def new(drawn: np.random.Generator, said: tuple[NDArray[np.float64], NDArray[np.int64]]) -> NDArray[np.float64]:  # noqa: ARG001
    """Probabilities [40, 4] on other rows, drawn after those."""
    drawn.dirichlet(np.full(4, 2.0), size=45)
    drawn.dirichlet(np.full(4, 0.6), size=(5, 3))
    return drawn.dirichlet(np.full(4, 0.6), size=40)
