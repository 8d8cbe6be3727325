"""Conformal sets equal MAPIE's, scores torch-uncertainty's, and they cover what they promise."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.metrics.conformal import METHODS, Method, conformal_sets, nonconformity, threshold

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

MAPIE: dict[Method, tuple[float, tuple[int, ...]]] = {
    "lac": (0.90345312, (23, 27, 28, 27)),
    "aps": (0.91671384, (22, 24, 28, 26)),
}
"""Threshold and number of sets that hold each class: MAPIE 1.6.0, SplitConformalClassifier(confidence_level=0.9,
random_state=7), `include_last_label="randomized"`."""


@pytest.mark.parametrize("method", MAPIE)
def test_thresholds_and_sets_are_those_of_mapie(method: Method, said: tuple[Floats, Labels], new: Floats) -> None:
    probs, labels = said
    draws = np.random.RandomState(7).uniform(size=len(probs))  # as MAPIE draws them
    limit = threshold(nonconformity(method, probs, draws)[np.arange(len(labels)), labels], 0.9)
    held = nonconformity(method, new, np.random.RandomState(7).uniform(size=len(new))) <= limit
    assert limit == pytest.approx(MAPIE[method][0], abs=1e-8)
    assert tuple(held.sum(axis=0)) == MAPIE[method][1]


def test_scores_are_those_of_torch_uncertainty(said: tuple[Floats, Labels]) -> None:
    """ConformalClsRAPS(penalty=0.1, regularization_rank=1, randomized=False) and APS of torch-uncertainty 0.13.0."""
    raps, aps = (nonconformity(method, said[0]) for method in ("raps", "aps"))
    np.testing.assert_allclose(raps[:2], [[0.7583, 1.0904, 1.1956, 1.3], [1.1297, 0.6291, 1.3, 0.9459]], atol=6e-5)
    np.testing.assert_allclose(aps[:2], [[0.7583, 0.9904, 0.9956, 1.0], [0.9297, 0.6291, 1.0, 0.8459]], atol=6e-5)
    assert raps[np.arange(60), said[1]].sum() == pytest.approx(50.6239, abs=6e-5)


@pytest.mark.parametrize("method", METHODS)
def test_they_cover_what_they_promise(method: Method) -> None:
    """Mean over divisions: at least the promise, and less than one row of the calibration above it."""
    generator = np.random.default_rng(0)
    covered, calibration, rows = [], 40, 300
    for seed in range(200):
        probs = generator.dirichlet(np.full(5, 0.4), size=calibration + rows)
        shares = (probs**2).cumsum(axis=1)
        labels = (generator.random((calibration + rows, 1)) * shares[:, -1:] < shares).argmax(axis=1)
        first, rest = slice(calibration), slice(calibration, None)
        held = conformal_sets(method, probs[first], labels[first], probs[rest], coverage=0.8, seed=seed)
        covered.append(held[np.arange(rows), labels[rest]].mean())
    error = 3 * np.std(covered) / math.sqrt(len(covered))
    assert 0.8 - error <= np.mean(covered) <= 0.8 + 1 / (calibration + 1) + error


def test_thresholds_by_hand() -> None:
    scores = np.array([0.4, 0.1, 0.3, 0.2, 0.9, 0.5, 0.8, 0.6, 0.7])
    assert threshold(scores, 0.9) == 0.9
    assert threshold(scores, 0.5) == 0.5
    assert threshold(scores[1:], 0.9) == math.inf, "eight rows promise no 90 %"
    assert threshold(scores, 0.5, np.full(9, 3.0)) == 0.5
    heavy = np.where(scores == 0.1, 10.0, 1.0)
    assert threshold(scores, 0.5, heavy) == pytest.approx(0.1), "it counts for half of all"
