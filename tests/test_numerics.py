"""Ties are decided as exact fractions decide them: the lowest class of the highest, whatever adds, and in which type."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lrensemble.consensus import combine
from lrensemble.metrics import METRICS
from lrensemble.numerics import TIE, likeliest
from lrensemble.select import Validation
from lrensemble.select.kernels.growth import growth
from lrensemble.select.scoring import team_scorer

Votes = NDArray[np.int64]


def votes(members: int, rows: int, classes: int, k: int, seed: int) -> Votes:
    """[member, sample, class] whole numbers that sum to k: probabilities in k-ths, as of k trees or neighbours."""
    return np.random.default_rng(seed).multinomial(k, np.full(classes, 1 / classes), size=(members, rows))


def by_fractions(counts: Votes, k: int) -> list[int]:
    """[sample] the lowest class whose mean is highest, exactly."""
    members, rows, classes = counts.shape
    decided = []
    for row in range(rows):
        means = [
            sum((Fraction(int(counts[m, row, c]), k) for m in range(members)), Fraction(0)) for c in range(classes)
        ]
        decided.append(means.index(max(means)))
    return decided


@pytest.mark.parametrize(("members", "classes", "k"), [(2, 2, 3), (3, 5, 7), (7, 10, 10), (12, 3, 12), (40, 6, 9)])
def test_votes_are_decided_alike_by_fractions_and_by_every_type(members: int, classes: int, k: int) -> None:
    counts = votes(members, 60, classes, k, seed=members)
    expected = by_fractions(counts, k)
    probs = counts / k
    shuffled = np.random.default_rng(1).permutation(members)
    for array in (
        probs,
        probs[shuffled],
        probs.astype(np.float32),
        torch.tensor(probs),
        torch.tensor(probs, dtype=torch.float32),
    ):
        assert np.asarray(likeliest(combine("mean", array))).tolist() == expected
    stored = np.exp(np.log(np.maximum(probs, 1e-300)).astype(np.float32).astype(np.float64))
    assert likeliest(combine("mean", stored)).tolist() == expected, "through log-probabilities as a pool keeps them"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_metric_scorer_and_growing_team_count_what_fractions_count(dtype: type[np.floating]) -> None:
    members, rows, classes, k = 5, 70, 4, 6
    counts = votes(members, rows, classes, k, seed=3)
    labels = np.random.default_rng(4).integers(classes, size=rows)
    validation = Validation(np.log(np.maximum(counts / k, 1e-300)).astype(dtype), labels)
    for team in ([0, 1], [1, 3, 4], [0, 1, 2, 3, 4]):
        right = np.mean(np.array(by_fractions(counts[team], k)) == labels)
        weights = np.isin(np.arange(members), team)[None].astype(np.float64)
        assert team_scorer(validation, "accuracy", "mean")(weights)[0] == right
        assert METRICS.call("accuracy", combine("mean", validation.probs_of(team)), labels) == right
        grown = growth(validation, "accuracy", "mean")
        for member in team[:-1]:
            grown = grown.added(member)
        assert grown.scores(np.array(team[-1:]))[0] == right


def test_the_tolerance_is_relative_and_wider_than_rounding() -> None:
    for scale in (1.0, 1e-3, 1e-9):
        lower, higher = scale * (1 - TIE / 2), scale
        assert likeliest(np.array([lower, higher])) == 0
        assert likeliest(np.array([scale * (1 - 2 * TIE), higher])) == 1
    assert likeliest(np.array([[0.2, 0.3, 0.3], [0.5, 0.1, 0.4]])).tolist() == [1, 0]
    assert likeliest(np.array([[0.2, 0.3], [0.3, 0.1]]), axis=0).tolist() == [1, 0]


def test_without_it_rounding_would_decide() -> None:
    """Means of k-ths that are equal are not equal in floating point: else the tests above prove nothing."""
    wrong = 0
    for members, k, seed in ((7, 10, 0), (12, 12, 1), (9, 7, 2)):
        counts = votes(members, 200, 6, k, seed)
        plain = partial(np.argmax, axis=1)(combine("mean", counts / k))
        wrong += int((plain != np.array(by_fractions(counts, k))).sum())
    assert wrong > 5
