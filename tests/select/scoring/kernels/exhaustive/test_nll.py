"""The likelihood of every subset, from groups of rows of every length, weight and kind."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lrensemble.numerics import SMALLEST_PROBABILITY
from lrensemble.select.scoring.kernels.exhaustive.nll import TOGETHER, group_rows, log_likelihoods
from lrensemble.select.scoring.kernels.subsets import Halves

Floats = NDArray[np.float64]


def of_label(members: int, rows: int) -> Floats:
    """[member, sample] rows of zeros, of numbers about the smallest that counts, and of others."""
    generator = np.random.default_rng(members)
    values = generator.uniform(0.001, 1, size=(members, rows))
    values[:, ::11] *= 1e-14
    values[: members // 2, ::17] = 0.0
    values[:, 5] = 0.0
    return values


def by_definition(values: Floats, weights: Floats) -> Floats:
    """[2^members - 1] the weighted mean of the logarithm of the mean, clipped from below."""
    members = len(values)
    teams = (np.arange(1, 1 << members)[:, None] >> np.arange(members) & 1).astype(np.float64)
    means = teams @ values / teams.sum(axis=1, keepdims=True)
    return np.asarray(np.log(np.maximum(means, SMALLEST_PROBABILITY)) @ weights / weights.sum())


def test_every_subset_has_the_mean_of_the_logarithms() -> None:
    """Of fewer members than the inner loop takes, of as many, of one more, and of more."""
    for members in (1, 7, 8, 9, 11):
        values, weights = of_label(members, 331), np.array([1.0, 1.0, 1.0, 0.5, 3.0])[np.arange(331) % 5]
        likelihoods = group_rows(values, weights)
        scores = log_likelihoods(likelihoods, Halves(members, 0, 0))
        np.testing.assert_allclose(scores[1:], by_definition(values, weights), rtol=1e-12)


def test_what_all_teams_of_a_block_share_counts() -> None:
    values, weights = of_label(12, 101), np.ones(101)
    halves, likelihoods = Halves(6, 4, 0), group_rows(values, weights)
    scores = np.concatenate([log_likelihoods(likelihoods, replace(halves, top=top)) for top in range(4)])
    np.testing.assert_allclose(scores[1:], by_definition(values, weights), rtol=1e-12)


def test_groups_stay_in_range_and_end_with_whole_passes() -> None:
    """All but the last group of a weight are multiplied in whole passes, and no product underflows."""
    values, weights = of_label(4, 997), np.repeat([1.0, 2.0], [600, 397])
    likelihoods = group_rows(values, weights)
    lengths = np.diff(likelihoods.first)
    last_of_weight = np.append(np.diff(likelihoods.weight) != 0, True)
    last_of_clipped = np.isin(likelihoods.first[1:], likelihoods.clipped)
    assert (lengths[~last_of_weight & ~last_of_clipped] % TOGETHER == 0).all()
    assert lengths.sum() == 997
    assert likelihoods.weight @ lengths == weights.sum()
    lowest = np.maximum(likelihoods.of_label.min(axis=1), SMALLEST_PROBABILITY)
    bits = np.add.reduceat(np.maximum(-np.log2(lowest), 2), likelihoods.first[:-1])
    assert (bits < 1000).all()
    assert len(lengths) > 4
