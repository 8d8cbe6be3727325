"""NLL and Brier score of every subset of the members, under the geometric mean.

The normaliser of a geometric mean is a sum over classes of a product over members, and has no short cut: every row and
class of every team needs one exponential. What is saved is the sum over members, tabulated for the low half.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.numerics import SMALLEST_PROBABILITY
from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span
from lrensemble.select.scoring.kernels.subsets import Halves, size_of, subset_sums

Floats = NDArray[np.float64]


def geometric_scores(logs: Floats, labels: NDArray[np.int64], weights: Floats, halves: Halves, brier: bool) -> Floats:
    """For each team of a block, its NLL or Brier score, negated.

    Args:
        logs: [member, sample, class] log-probabilities, finite.
        labels: [sample].
        weights: [sample] how often each row counts.
        halves: the block; position p in it is the team `top << bits | p`.
        brier: the Brier score and not the NLL.

    Returns:
        [2^bits] scores. That of the empty team means nothing.
    """
    shared = halves.shared(len(logs))
    base = logs[shared].sum(axis=0)
    scores = np.empty(1 << halves.bits)
    _score(logs, base, labels, weights, halves.low, halves.high, len(shared), brier, scores)
    return scores


@compiled_parallel
def _score(
    logs: Floats,
    base: Floats,
    labels: NDArray[np.int64],
    weights: Floats,
    low: int,
    high: int,
    shared: int,
    brier: bool,
    scores: Floats,
) -> None:
    rows, classes = base.shape
    low_size, total = 1 << low, weights.sum()
    for upper in span(1 << high):
        low_sums, totals, powers = np.empty((classes, low_size)), np.zeros(low_size), np.empty(classes)
        sums = np.empty(classes)
        for row in range(rows):
            for label in range(classes):
                subset_sums(logs[:low, row, label], low_sums[label])
                sums[label] = base[row, label]
                for member in range(high):
                    if upper >> member & 1:
                        sums[label] += logs[low + member, row, label]
            for subset in range(low_size):
                size = max(1, shared + size_of(upper << low | subset))
                for label in range(classes):
                    powers[label] = (low_sums[label, subset] + sums[label]) / size
                totals[subset] += weights[row] * _row_score(powers, labels[row], brier)
        for subset in range(low_size):
            scores[upper << low | subset] = totals[subset] / total


@compiled
def _row_score(powers: Floats, label: int, brier: bool) -> float:
    """The score of one row from unnormalised log-probabilities [class]."""
    highest, normaliser = powers.max(), 0.0
    if not brier:
        for other in range(powers.size):
            normaliser += np.exp(powers[other] - highest)
        return float(max(powers[label] - highest - np.log(normaliser), np.log(SMALLEST_PROBABILITY)))
    squares, of_label = 0.0, np.exp(powers[label] - highest)
    for other in range(powers.size):
        share = np.exp(powers[other] - highest)
        normaliser += share
        squares += share * share
    return float(2 * of_label / normaliser - squares / normaliser**2 - 1)
