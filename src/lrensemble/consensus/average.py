"""Averages of what members say: arithmetic, geometric, product, and weighted by accuracy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus.arrays import Array, like, possible, safe_log, softmax
from lrensemble.consensus.base import CONSENSUS, Arguments, Floats, require_fitted
from lrensemble.metrics.serving import OF_CLASSES
from lrensemble.numerics import likeliest, namespace


@CONSENSUS.register(targets=(*OF_CLASSES, "values"), needs="likelihood", averages="probabilities", linear=True)
def mean(probs: Array, weights: Array) -> Array:
    """Weighted mean of probabilities or values, the linear opinion pool (Stone 1961).

    Members that know only labels count as certain of them. Of normal distributions, the mean of the means and the mean
    of the variances, which is less than the variance of their mixture.

    Args:
        probs: [member, sample, class] probabilities, or [member, sample, column] values.
        weights: [member], summing to 1.

    Returns:
        [sample, class] probabilities, or [sample, column] values.
    """
    # Not einsum: it may fuse multiply and add in one lane and not in the next, and so decide equal classes differently.
    return namespace(probs).sum(probs * weights[:, None, None], axis=0)


@CONSENSUS.register(averages="log_probabilities")
def geometric_mean(probs: Array, weights: Array) -> Array:
    """Weighted mean of log-probabilities, normalised: the logarithmic opinion pool (Genest & Zidek 1986, sec. 3).

    A probability of zero counts as the smallest normal number of the array's type, so that one member's certainty never
    leaves a row without any class; a member that knows only labels is thus all but a veto. What all give zero has zero.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1.

    Returns:
        [sample, class] probabilities.
    """
    return softmax(mean(safe_log(probs), weights), possible(probs, weights))


@CONSENSUS.register()
def product(probs: Array, weights: Array) -> Array:
    """Product of probabilities, normalised: right where members err independently (Kittler et al. 1998).

    Sure where members agree, and overconfident where they err alike: a member given twice counts twice. Weights say who
    takes part, no more. A probability of zero, and so a member that knows only labels, is all but a veto.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1.

    Returns:
        [sample, class] probabilities.
    """
    xp = namespace(probs)
    return softmax(mean(safe_log(probs), xp.astype(weights > 0, probs.dtype)), possible(probs, weights))


@CONSENSUS.register()
def maximum(probs: Array, weights: Array) -> Array:
    """Highest probability that any member gives, normalised: the surest member decides (Kittler et al. 1998).

    Weights say who takes part, no more. Members that know only labels are the surest, and split the rows between them.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1.

    Returns:
        [sample, class] probabilities.
    """
    xp = namespace(probs)
    highest = xp.max(probs * xp.astype(weights > 0, probs.dtype)[:, None, None], axis=0)
    return highest / xp.sum(highest, axis=1, keepdims=True)


def _accuracies(
    _: Arguments, probs: Floats, labels: NDArray[np.int64], __: Floats, counts: Floats
) -> dict[str, object]:
    return {"accuracies": tuple(((likeliest(probs) == labels) @ counts / counts.sum()).tolist())}


@CONSENSUS.register(learns=_accuracies, for_values="error_weighted", accuracies=[0.5, 0.25])
def accuracy_weighted(probs: Array, weights: Array, *, accuracies: tuple[float, ...] = ()) -> Array:
    """Mean of probabilities weighted by each member's accuracy on validation rows (Opitz & Shavlik 1996).

    Members that know only labels count as certain of them. Where nobody was ever right, the plain mean.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1; multiplied with the accuracies.
        accuracies: of the members, learned by `fit`.

    Returns:
        [sample, class] probabilities.

    Raises:
        PredictionsError: not one accuracy for each member; fit the consensus on validation rows first.
    """
    require_fitted("accuracy_weighted", (len(accuracies),), (probs.shape[0],))
    return reweighted_mean(probs, weights, accuracies)


def reweighted_mean(probs: Array, weights: Array, merits: tuple[float, ...]) -> Array:
    """Mean of probabilities by the product of weights and merits [member] each; by the weights where all are zero."""
    xp = namespace(probs)
    both = weights * like(probs, merits)
    total = xp.sum(both)
    return mean(probs, xp.where(total > 0, both / xp.where(total > 0, total, xp.ones_like(total)), weights))
