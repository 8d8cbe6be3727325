"""Averages of what members say: arithmetic, geometric, and weighted by accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from lrensemble.consensus.base import CONSENSUS, Array, learns
from lrensemble.errors import PredictionsError


@CONSENSUS.register()
def mean(probs: Array, weights: Array) -> Array:
    """Weighted mean of probabilities, the linear opinion pool (Stone 1961).

    Members that know only labels count as certain of them.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1.

    Returns:
        [sample, class] probabilities.
    """
    # Not einsum: it may fuse multiply and add in one lane and not in the next, and so decide equal classes differently.
    return array_namespace(probs).sum(probs * weights[:, None, None], axis=0)


@CONSENSUS.register()
def geometric_mean(probs: Array, weights: Array) -> Array:
    """Weighted mean of log-probabilities, normalised: the logarithmic opinion pool (Genest & Zidek 1986, sec. 3).

    A probability of zero counts as the smallest normal number of the array's type, so that one member's certainty never
    leaves a row without any class; a member that knows only labels is thus all but a veto.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1.

    Returns:
        [sample, class] probabilities.
    """
    xp = array_namespace(probs)
    tiny = xp.finfo(probs.dtype).tiny
    logs = mean(xp.log(xp.where(probs > tiny, probs, xp.full_like(probs, tiny))), weights)
    shares = xp.exp(logs - xp.max(logs, axis=1, keepdims=True))
    return shares / xp.sum(shares, axis=1, keepdims=True)


@CONSENSUS.register(accuracies=[0.5, 0.25])
def accuracy_weighted(probs: Array, weights: Array, *, accuracies: tuple[float, ...] = ()) -> Array:
    """Mean of probabilities weighted by each member's accuracy on validation rows (Opitz & Shavlik 1996, eq. 1).

    Members that know only labels count as certain of them.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1; multiplied with the accuracies.
        accuracies: of the members, learned by `fit`.

    Returns:
        [sample, class] probabilities.

    Raises:
        PredictionsError: not one accuracy for each member; fit the consensus on validation rows first.
    """
    xp = array_namespace(probs)
    if len(accuracies) != probs.shape[0]:
        raise PredictionsError(
            f"accuracy_weighted knows {len(accuracies)} accuracies for {probs.shape[0]} members; fit it to them first"
        )
    both = weights * xp.asarray(accuracies, dtype=probs.dtype, device=getattr(probs, "device", None))
    total = xp.sum(both)
    return mean(probs, both / total if float(total) > 0 else weights)


@learns("accuracy_weighted")
def _accuracies(probs: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, Any]:
    return {"accuracies": tuple(float(a) for a in (probs.argmax(axis=2) == labels).mean(axis=1))}
