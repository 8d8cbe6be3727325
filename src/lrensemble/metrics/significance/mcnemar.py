"""McNemar's test: do two classifiers err equally often on the same rows? Exact, and by the mid-p value."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from lrensemble.metrics.significance.units import Floats


def mcnemar_exact(correct: NDArray[np.bool_], reference: NDArray[np.bool_]) -> float:
    """Two-sided exact p-value of McNemar's test (McNemar 1947; exact form: binomial on the discordant rows).

    Args:
        correct: [sample] rows that the one classifier gets right.
        reference: [sample] rows that the other gets right.

    Returns:
        Probability of a split of the discordant rows at least as uneven, were both equally good; 1.0 where none differ.
    """
    only_first, only_second = discordant(correct, reference)
    larger, rows = max(only_first, only_second), only_first + only_second
    return min(1.0, 2 * float(binomial_tail(larger, rows)))


def mcnemar_mid_p(correct: NDArray[np.bool_], reference: NDArray[np.bool_]) -> float:
    """Two-sided mid-p value of McNemar's test: the observed split counts half (Fagerland, Lydersen & Laake 2013).

    More powerful than the exact test. Unlike it, it does not guarantee its level, but keeps it wherever less than half
    of the rows are discordant.

    Args:
        correct: [sample] rows that the one classifier gets right.
        reference: [sample] rows that the other gets right.

    Returns:
        The exact p-value less the probability of the observed split; 1 - P(split) / 2 where the split is even.
    """
    only_first, only_second = discordant(correct, reference)
    rows = only_first + only_second
    if rows == 0:
        return 1.0
    from scipy.stats import binom  # imported here: half a second that the exact test does without

    observed = float(binom.pmf(only_first, rows, 0.5))
    if only_first == only_second:
        return 1.0 - observed / 2
    return mcnemar_exact(correct, reference) - observed


def binomial_tail(successes: float | Floats, trials: float | Floats) -> Floats:
    """Probability of `successes` or more among `trials` with the probability ½ each, successes ≤ trials.

    The regularised incomplete beta function I_½(successes, trials - successes + 1) (NIST DLMF 8.17.5).
    """
    tail = scipy.special.betainc(successes, trials - successes + 1, 0.5)
    return np.where(np.greater(successes, 0), tail, 1.0)  # the function is not defined at 0 in every release of scipy


def discordant(correct: NDArray[np.bool_], reference: NDArray[np.bool_]) -> tuple[int, int]:
    """How many rows [sample] only the one gets right, and how many only the other."""
    return int(np.sum(correct & ~reference)), int(np.sum(~correct & reference))
