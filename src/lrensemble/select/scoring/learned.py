"""Members that learned nothing: what they say has nothing to do with the labels."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from lrensemble.numerics import SMALLEST_PROBABILITY
from lrensemble.select.base import Floats, Validation
from lrensemble.select.scoring.kernels.statistics import blocks

LEVEL = 0.05
"""A member that learned nothing is taken for one that learned something this often."""

ROUNDING = 1e-9
"""Spread of sums, relative to their size, that is none."""


def learned_nothing(validation: Validation) -> NDArray[np.bool_]:
    """[member] whether its predictions fit the labels no better than labels in another order.

    With a(i, c) the log-probability of class c in row i, clipped at 36 nats, and y the labels, the sum of a(i, yᵢ) is
    compared with that of permuted labels, one-sided. Its mean and variance over all permutations are known (Hoeffding
    1951, "A combinatorial central limit theorem", th. 2), so none is drawn. Neither calibration nor unequal classes
    matter: a member that says the same in every row fits no order better than any other, and one that ranks rare
    cases well has learned, whatever its accuracy. One whose classes stand in a wrong order has not. Where nobody has
    learned, nobody is marked.

    Args:
        validation: predictions and labels; a row counts as often as its weight says.
    """
    useless = scores_over_chance(validation) < NormalDist().inv_cdf(1 - LEVEL)
    return np.zeros_like(useless) if useless.all() else useless


def scores_over_chance(validation: Validation) -> Floats:
    """[member] how many standard deviations the sum for the labels is above its mean over all permutations."""
    found: Floats = validation.for_views("over_chance", lambda weights: _scores(validation, weights))
    return found


def _scores(validation: Validation, weights: Floats | None) -> Floats:
    """[view, member] of rows that count by weights [view, sample], all read in one pass.

    With rᵢ and qᵢ the means of a(i, c) and of its square over the classes' shares, m(c) the means over rows and g that
    of all, the variance is (Σ qᵢ - Σ rᵢ² - n Σ share(c) (m(c) - g)²) n / (n - 1).
    """
    members, rows, classes = validation.log_probs.shape
    times = np.ones((1, rows)) if weights is None else weights
    totals = times.sum(axis=1)[:, None]
    shares = np.stack([np.bincount(validation.labels, row, minlength=classes) for row in times]) / totals
    sums, squares, row_squares = (np.zeros((len(times), members)) for _ in range(3))
    means, start = np.zeros((len(times), members, classes)), 0
    for log_probs, labels in blocks(validation):
        values = np.maximum(log_probs, np.log(SMALLEST_PROBABILITY), dtype=np.float64)
        counts = times[:, start : start + len(labels)]
        start += len(labels)
        sums += counts @ values[:, np.arange(len(labels)), labels].T
        means += np.tensordot(counts, values, axes=(1, 1))
        row_squares += [np.square(values @ share) @ count for share, count in zip(shares, counts, strict=True)]
        np.square(values, out=values)
        squares += [values @ share @ count for share, count in zip(shares, counts, strict=True)]
    means /= totals[:, :, None]
    centres = np.einsum("vmc,vc->vm", means, shares)
    between = np.einsum("vmc,vc->vm", np.square(means - centres[:, :, None]), shares)
    variances = (squares - row_squares - totals * between) * totals / np.maximum(totals - 1, 1)
    known = variances > ROUNDING * (squares + 1)
    deviations = np.sqrt(np.maximum(variances, 0))
    return np.asarray(np.divide(sums - totals * centres, deviations, out=np.zeros_like(sums), where=known))
