"""McNemar's test: by hand, and as published."""

import numpy as np
import pytest

from lrensemble.metrics.significance import mcnemar_exact, mcnemar_mid_p
from lrensemble.metrics.significance.mcnemar import binomial_tail


def rows_of(first_only: int, second_only: int, both: int, neither: int = 0) -> tuple[np.ndarray, np.ndarray]:
    counts = (first_only, second_only, both, neither)
    return np.repeat([True, False, True, False], counts), np.repeat([False, True, True, False], counts)


@pytest.mark.parametrize(
    ("first_only", "second_only", "both", "p_value"),
    [
        (0, 0, 7, 1.0),
        (1, 0, 3, 1.0),
        (5, 0, 0, 2 / 2**5),
        (0, 5, 0, 2 / 2**5),
        (6, 1, 9, 2 * (1 + 7) / 2**7),
        (4, 4, 1, 1.0),
    ],
)
def test_exact_by_hand(first_only: int, second_only: int, both: int, p_value: float) -> None:
    assert mcnemar_exact(*rows_of(first_only, second_only, both)) == pytest.approx(p_value)


@pytest.mark.parametrize(
    ("first_only", "second_only", "both", "p_value"),
    [
        (0, 0, 7, 1.0),
        (1, 0, 3, 1 / 2),
        (5, 0, 0, 1 / 2**5),
        (0, 5, 0, 1 / 2**5),
        (6, 1, 9, 2 * (1 + 7) / 2**7 - 7 / 2**7),
        (4, 4, 1, 1 - 70 / 2**8 / 2),
    ],
)
def test_mid_p_by_hand(first_only: int, second_only: int, both: int, p_value: float) -> None:
    assert mcnemar_mid_p(*rows_of(first_only, second_only, both)) == pytest.approx(p_value)


def test_published_examples() -> None:
    """Airway hyper-responsiveness before and after transplantation: 1, 1, 7, 12 (Fagerland, Lydersen & Laake 2013)."""
    airway = rows_of(1, 7, 1, 12)
    assert mcnemar_exact(*airway) == pytest.approx(0.070, abs=5e-4)
    assert mcnemar_mid_p(*airway) == pytest.approx(0.039, abs=5e-4)


def test_every_split_is_at_least_as_uneven_as_none() -> None:
    assert binomial_tail(0.0, 5.0) == binomial_tail(0.0, 0.0) == 1.0
    assert binomial_tail(2.0, 2.0) == 0.25
