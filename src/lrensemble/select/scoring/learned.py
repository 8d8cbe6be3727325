"""Members that learned nothing: what they say has nothing to do with the labels."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from lrensemble.numerics import SMALLEST_PROBABILITY
from lrensemble.select.scoring.kernels.statistics import blocks, predicted_classes
from lrensemble.select.validation import Floats, Validation
from lrensemble.targets import Choices

LEVEL = 0.05
"""A member that learned nothing is taken for one that learned something this often."""

LEAST_OVER_CHANCE = NormalDist().inv_cdf(1 - LEVEL)
"""Standard deviations over chance from which on a member has learned something."""

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
    useless = scores_over_chance(validation) < LEAST_OVER_CHANCE
    return np.zeros_like(useless) if useless.all() else useless


def scores_over_chance(validation: Validation) -> Floats:
    """[member] how many standard deviations the sum for the labels is above its mean over all permutations."""
    found: Floats = validation.for_views("over_chance", lambda weights: _scores(validation, weights))
    return found


def _scores(validation: Validation, weights: Floats | None) -> Floats:
    """[view, member] of rows that count by weights [view, sample]; infinite of members that cannot be judged so."""
    times = np.ones((1, len(validation.truth))) if weights is None else weights
    if not validation.of_classes:
        return _of_values(validation, times)
    if isinstance(validation.target, Choices):
        return _of_choices(validation, times)
    scores = np.full((len(times), validation.members), np.inf)
    labels = [m for m in range(validation.members) if "probabilities" not in validation.needs_served(m)]
    dense = [m for m in range(validation.members) if m not in labels]
    if dense:
        own = validation if not labels else validation.of_members(dense)
        scores[:, dense] = _of_probabilities(own, times)
    for member in labels:
        if "labels" in validation.needs_served(member):
            scores[:, member] = _of_named(validation, predicted_classes(validation)[member], times)
    return scores


def _of_named(validation: Validation, named: NDArray[np.int64], times: Floats) -> Floats:
    """[view] of a member that names a class [sample] in each row: a(i, c) is one for that class, else zero."""
    classes, totals = validation.shape[2], times.sum(axis=1)
    shares = np.stack([np.bincount(validation.truth, row, minlength=classes) for row in times]) / totals[:, None]
    named_shares = np.stack([np.bincount(named, row, minlength=classes) for row in times]) / totals[:, None]
    sums = times @ (named == validation.truth)
    centres = (shares * named_shares).sum(axis=1)
    row_means = np.stack([share[named] for share in shares])
    between = (np.square(named_shares - centres[:, None]) * shares).sum(axis=1)
    squares, row_squares = totals * centres, (times * np.square(row_means)).sum(axis=1)
    return _standardised(sums, centres, squares, row_squares, between, totals)


def _of_choices(validation: Validation, times: Floats) -> Floats:
    """[view, member] of answers that differ by row: a(i, c) against its mean over the answers of row i.

    Where the truth is any answer of its row with the same probability, the sum has that mean, and the sum of the rows'
    variances.
    """
    most = validation.shape[2]
    counts = np.full(len(validation.truth), most) if validation.choices is None else np.asarray(validation.choices)
    judged = [m for m in range(validation.members) if "labels" in validation.needs_served(m)]
    scores = np.full((len(times), validation.members), np.inf)
    rows = np.arange(len(counts))
    for member in judged:
        said = np.log(np.maximum(validation.predictions_of([member])[0], SMALLEST_PROBABILITY))
        said[np.arange(most) >= counts[:, None]] = 0  # a pad counts nowhere
        means = said.sum(axis=1) / counts
        spread = (np.square(said).sum(axis=1) / counts) - np.square(means)
        sums, variances = times @ (said[rows, validation.truth] - means), times @ spread
        known = variances > ROUNDING * (times @ np.square(said).sum(axis=1) + 1)
        deviations = np.sqrt(np.maximum(variances, 0))
        scores[:, member] = np.divide(sums, deviations, out=np.zeros_like(sums), where=known)
    return scores


def _of_values(validation: Validation, times: Floats) -> Floats:
    """[view, member] of values: a(i, j) is a prediction times a truth, summed over standardised outputs."""
    outputs = validation.truth.shape[1]
    said = np.concatenate([block.values[:, :, :outputs].astype(np.float64) for block in blocks(validation)], axis=1)
    totals = times.sum(axis=1)
    means = times @ validation.truth / totals[:, None]  # [view, output]
    scores = np.empty((len(times), validation.members))
    for view, (count, total) in enumerate(zip(times, totals, strict=True)):
        truth = validation.truth - means[view]
        spread = np.sqrt(count @ np.square(truth) / total)
        truth = np.divide(truth, spread, out=np.zeros_like(truth), where=spread > 0)
        centred = said - np.einsum("s,mso->mo", count, said)[:, None] / total
        centred = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
        sums = np.einsum("s,mso,so->m", count, centred, truth)
        inner = np.einsum("s,mso,msp->mop", count, centred, centred)
        outer = np.einsum("s,so,sp->op", count, truth, truth)
        variances = np.einsum("mop,op->m", inner, outer) / max(total - 1, 1)
        known = variances > ROUNDING
        scores[view] = np.divide(sums, np.sqrt(np.maximum(variances, 0)), out=np.zeros_like(sums), where=known)
    return scores


def _of_probabilities(validation: Validation, times: Floats) -> Floats:
    """[view, member] of probabilities, all read in one pass.

    With rᵢ and qᵢ the means of a(i, c) and of its square over the classes' shares, m(c) the means over rows and g that
    of all, the variance is (Σ qᵢ - Σ rᵢ² - n Σ share(c) (m(c) - g)²) n / (n - 1).
    """
    members, _, classes = validation.shape
    totals = times.sum(axis=1)[:, None]
    shares = np.stack([np.bincount(validation.truth, row, minlength=classes) for row in times]) / totals
    sums, squares, row_squares = (np.zeros((len(times), members)) for _ in range(3))
    means = np.zeros((len(times), members, classes))
    for block in blocks(validation):
        values = np.maximum(block.values, np.log(SMALLEST_PROBABILITY), dtype=np.float64)
        rows = len(block.truth)
        counts = times[:, block.start : block.start + rows]
        sums += counts @ values[:, np.arange(rows), block.truth].T
        means += (counts @ values).transpose(1, 0, 2)
        row_squares += [np.square(values @ share) @ count for share, count in zip(shares, counts, strict=True)]
        np.square(values, out=values)
        squares += [values @ share @ count for share, count in zip(shares, counts, strict=True)]
    means /= totals[:, :, None]
    centres = np.einsum("vmc,vc->vm", means, shares)
    between = np.einsum("vmc,vc->vm", np.square(means - centres[:, :, None]), shares)
    return _standardised(sums, centres, squares, row_squares, between, totals)


def _standardised(
    sums: Floats, centres: Floats, squares: Floats, row_squares: Floats, between: Floats, totals: Floats
) -> Floats:
    """Sums less their means over all permutations, in standard deviations; zero where nothing varies."""
    variances = (squares - row_squares - totals * between) * totals / np.maximum(totals - 1, 1)
    known = variances > ROUNDING * (squares + 1)
    deviations = np.sqrt(np.maximum(variances, 0))
    return np.asarray(np.divide(sums - totals * centres, deviations, out=np.zeros_like(sums), where=known))
