"""Selective prediction equals torch-uncertainty's values, and a slow twin where confidences are tied."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.errors import SpecError
from lrensemble.metrics import METRICS, accuracy_at_coverage, aurc

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def slow_aurc(confidence: Floats, wrong: Floats) -> float:
    """Trapezoidal rule over the error rates of the k surest rows, mean over all orders of tied rows."""
    found = []
    for order in permutations(range(len(wrong))):
        if all(confidence[one] >= confidence[two] for one, two in pairwise(order)):
            rates = np.cumsum(wrong[list(order)]) / np.arange(1, len(wrong) + 1)
            found.append(np.trapezoid(rates, dx=1 / len(wrong)) / (1 - 1 / len(wrong)))
    return float(np.mean(found))


def test_they_are_those_of_torch_uncertainty(said: tuple[Floats, Labels]) -> None:
    """AURC().compute() and _aurc_rejection_rate_compute of torch-uncertainty 0.13.0, on the same arrays in float64."""
    assert aurc(*said) == pytest.approx(0.31119330251, abs=1e-8)
    assert accuracy_at_coverage(*said, coverage=0.5) == pytest.approx(0.6)


def test_tied_rows_count_as_the_mean_of_their_orders() -> None:
    confidence = np.array([0.9, 0.8, 0.8, 0.8, 0.6, 0.6])
    right = np.array([True, False, True, True, False, True])
    probs = np.stack([confidence, 1 - confidence], axis=1)
    labels = np.where(right, 0, 1)
    assert aurc(probs, labels) == pytest.approx(slow_aurc(confidence, 1.0 - right))
    assert aurc(probs[::-1], labels[::-1]) == pytest.approx(aurc(probs, labels))


def test_values_by_hand() -> None:
    probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    labels = np.array([0, 0, 1, 0])
    assert aurc(probs, labels) == pytest.approx((0 + 0 + 1 / 3 + 1 / 4 - (0 + 1 / 4) / 2) / 3)
    assert accuracy_at_coverage(probs, labels, coverage=0.5) == 1
    assert accuracy_at_coverage(probs, labels, coverage=0.75) == pytest.approx(2 / 3)
    assert accuracy_at_coverage(probs, labels, coverage=1.0) == 0.75
    assert aurc(probs[:1], np.array([1])) == 1
    assert aurc(probs, np.zeros(4, dtype=np.int64)) == 0
    assert aurc(probs, np.ones(4, dtype=np.int64)) == 1


def test_no_coverage_is_refused() -> None:
    with pytest.raises(SpecError, match="coverage"):
        METRICS.check("accuracy_at_coverage(coverage=0)")
