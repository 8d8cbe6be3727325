"""A probability of zero costs 36.04 nats, alike in the metric, in every kernel and in what selectors minimise."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from lrensemble.metrics import nll
from lrensemble.select import Validation, team_score
from lrensemble.select.scoring.incremental import incremental_team
from lrensemble.select.scoring.kernels.exhaustive.all_teams import block_scorer, split
from lrensemble.select.scoring.losses import nll_of
from lrensemble.select.scoring.team_scores import team_scorer

Floats = NDArray[np.float64]
COST = 36.04365338911715
"""-ln 2^-52"""
MEMBERS, ROWS, CLASSES = 5, 37, 3
MASKS = ((np.arange(1, 1 << MEMBERS)[:, None] >> np.arange(MEMBERS)) & 1).astype(np.float64)


def hard_zeros(generator: np.random.Generator) -> Floats:
    probs = generator.dirichlet(np.ones(CLASSES), size=(MEMBERS, ROWS))
    probs[generator.random(probs.shape) < 0.3] = 0
    probs[probs.sum(axis=2) == 0] = np.eye(CLASSES)[0]
    return np.asarray(probs / probs.sum(axis=2, keepdims=True))


def labels_alone(generator: np.random.Generator) -> Floats:
    return np.asarray(np.eye(CLASSES)[generator.integers(CLASSES, size=(MEMBERS, ROWS))])


def nearly_zero(generator: np.random.Generator) -> Floats:
    """From 1e-300 to 1e-10, on both sides of the clip."""
    probs = 10.0 ** generator.uniform(-300, -10, size=(MEMBERS, ROWS, CLASSES))
    probs[generator.random(probs.shape) < 0.5] = 10.0 ** generator.uniform(-17, -14)
    probs[:, :, 1] = 1 - probs[:, :, ::2].sum(axis=2)
    return probs


KINDS = (hard_zeros, labels_alone, nearly_zero)


def slowly(probs: Floats, labels: NDArray[np.int64]) -> float:
    """The mean over rows of -ln p(label), one at a time, in the words of scikit-learn's page."""
    total = 0.0
    for row, label in enumerate(labels):
        total -= float(np.log(min(max(probs[row, label], 2.0**-52), 1 - 2.0**-52)))
    return total / len(labels)


def pool(make: Callable[[np.random.Generator], Floats], seed: int) -> tuple[Floats, NDArray[np.int64], Validation]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(CLASSES, size=ROWS)
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log(make(generator)), -1e4)  # as a pool stores them
    return np.exp(logs), labels, Validation(logs, labels)


@pytest.mark.parametrize("make", KINDS)
def test_the_metric_is_that_of_scikit_learn(make: Callable[[np.random.Generator], Floats]) -> None:
    probs, labels, _ = pool(make, 0)
    for one in probs:
        assert nll(one, labels) == pytest.approx(log_loss(labels, one, labels=range(CLASSES)), abs=1e-12)
        assert nll(one, labels) == pytest.approx(slowly(one, labels), abs=1e-12)


def test_by_hand() -> None:
    certain = np.eye(3)[[0, 1]]
    assert nll(certain, np.array([0, 1])) == 0
    assert nll(certain, np.array([0, 2])) == pytest.approx(COST / 2)
    assert nll(np.array([[1 - 1e-15, 1e-15]]), np.array([1])) == pytest.approx(15 * np.log(10))
    assert nll(np.array([[1.0, 1e-17]]), np.array([1])) == pytest.approx(COST)


def test_float32_is_clipped_where_float64_is() -> None:
    probs: NDArray[Any] = np.array([[1.0, 0.0], [1.0, 1e-12]], dtype=np.float32)
    assert nll(probs, np.array([1, 1])) == pytest.approx((COST + 12 * np.log(10)) / 2)


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_every_way_to_score_a_mean_clips_alike(seed: int, make: Callable[[np.random.Generator], Floats]) -> None:
    probs, labels, validation = pool(make, seed)
    expected = np.array([-slowly(probs[mask > 0].mean(axis=0), labels) for mask in MASKS])
    every = block_scorer(validation, "nll", "mean")
    assert every is not None
    np.testing.assert_allclose(every(split(MEMBERS))[1:], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(team_scorer(validation, "nll", "mean")(MASKS), expected, rtol=0, atol=1e-12)
    grown = incremental_team(validation, "nll", "mean").added(3).added(1)
    scores = [-slowly((probs[3] + probs[1] + candidate) / 3, labels) for candidate in probs]
    np.testing.assert_allclose(grown.scores(np.arange(MEMBERS)), scores, rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", KINDS)
def test_the_geometric_mean_clips_what_comes_out(make: Callable[[np.random.Generator], Floats]) -> None:
    _, labels, validation = pool(make, 1)
    every = block_scorer(validation, "nll", "geometric_mean")
    assert every is not None
    scores = every(split(MEMBERS))
    for mask in (1, 6, 31):
        team = [member for member in range(MEMBERS) if mask >> member & 1]
        logs = np.log(np.maximum(validation.probs[team], np.finfo(np.float64).tiny)).mean(axis=0)
        shares = np.exp(logs - logs.max(axis=1, keepdims=True))
        expected = -slowly(shares / shares.sum(axis=1, keepdims=True), labels)
        assert scores[mask] == pytest.approx(expected, abs=1e-12)
        assert team_score(validation, team, metric="nll", consensus="geometric_mean") == pytest.approx(expected)


@pytest.mark.parametrize("make", KINDS)
def test_the_loss_that_weights_minimise_is_no_higher_and_nearly_the_same(
    make: Callable[[np.random.Generator], Floats],
) -> None:
    probs, labels, validation = pool(make, 2)
    loss, equal = nll_of(validation, "mean"), np.full(MEMBERS, 1 / MEMBERS)
    true = slowly(probs.mean(axis=0), labels)
    assert true - np.log(2) <= loss.value(equal) <= true + 1e-12  # the two clips differ by a factor of two at most
    assert all(np.isfinite(part).all() for part in loss.derivatives(equal))
