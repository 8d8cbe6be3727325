"""The logarithmic opinion pool with a learned exponent for each member."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus.arrays import Array, clipped_nll, like, possible, safe_log, softmax
from lrensemble.consensus.average import mean
from lrensemble.consensus.base import CONSENSUS, Arguments, Floats, require_fitted

MOST_POWER = 20.0
"""Highest power of a member's probabilities, as that of a temperature of 0.05."""


def _exponents(
    _: Arguments, probs: Floats, labels: NDArray[np.int64], weights: Floats, counts: Floats
) -> dict[str, object]:
    from scipy.optimize import minimize  # imported here: a fifth of a second that the others do without

    logs = safe_log(probs)
    answers = np.asarray(possible(probs, weights))
    rows = np.arange(len(labels))
    of_label = logs[:, rows, labels]  # [member, sample]
    # A label that nobody gives anything costs the same under all powers; in the sum below it would pull them to zero.
    moved = np.where(answers[rows, labels], counts, 0.0)
    if not moved.any():
        return {"exponents": (1.0,) * len(weights)}

    def loss(powers: Floats) -> tuple[float, Floats]:
        """NLL and its gradient by the powers [member]."""
        logits = np.where(answers, np.einsum("m,msc->sc", powers, logs), -np.inf)
        highest = logits.max(axis=1)
        shares = np.exp(logits - highest[:, None])
        totals = shares.sum(axis=1)
        value = (highest + np.log(totals) - powers @ of_label) @ moved
        slope = np.einsum("sc,msc->m", shares * (moved / totals)[:, None], logs) - of_label @ moved
        return float(value / moved.sum()), np.asarray(slope / moved.sum())

    bounds = [(0.0, MOST_POWER if weight > 0 else 0.0) for weight in weights]
    powers = minimize(loss, weights, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14}).x
    before, after = (softmax(np.einsum("m,msc->sc", own, logs), answers) for own in (weights, powers))
    if clipped_nll(after[rows, labels], counts) > clipped_nll(before[rows, labels], counts):
        powers = weights
    return {"exponents": tuple(np.divide(powers, weights, out=np.ones(len(weights)), where=weights > 0).tolist())}


@CONSENSUS.register(learns=_exponents, exponents=[1.2, 0.3])
def logarithmic_pool(probs: Array, weights: Array, *, exponents: tuple[float, ...] = ()) -> Array:
    """Product of members' probabilities, each to a power of its own, normalised (Heskes 1998).

    The power is exponent times weight: with exponents of 1 it is `geometric_mean`; powers that sum to more than 1
    sharpen, to less soften. `fit` minimises NLL, not clipped, over powers from 0 to 20, a convex problem, and is never
    worse on its own rows than `geometric_mean`. A probability of zero, and so a member that knows only labels, is all
    but a veto unless its exponent is learned to be small.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1; multiplied with the exponents.
        exponents: of the members, learned by `fit`.

    Returns:
        [sample, class] probabilities.

    Raises:
        PredictionsError: not one exponent for each member; fit the consensus on validation rows first.
    """
    require_fitted("logarithmic_pool", (len(exponents),), (probs.shape[0],))
    return softmax(mean(safe_log(probs), weights * like(probs, exponents)), possible(probs, weights))
