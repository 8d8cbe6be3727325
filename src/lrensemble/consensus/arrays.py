"""Functions that numpy and torch name differently, and logarithms that survive a probability of zero."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrensemble.numerics import SMALLEST_PROBABILITY, namespace

Array: TypeAlias = Any
"""A numpy array or a torch tensor; the axes stand in the docstrings."""


def like(probs: Array, values: object) -> Array:
    """Numbers as an array of the kind, type and device of `probs`."""
    xp = namespace(probs)
    return xp.asarray(values, dtype=probs.dtype, device=getattr(probs, "device", None))


def safe_log(probs: Array) -> Array:
    """Natural logarithms, where a probability of zero counts as the smallest normal number of the array's type."""
    xp = namespace(probs)
    # An array and no number: programs traced from torch would hold the number in float32, where it is zero.
    tiny = like(probs, np.asarray([xp.finfo(probs.dtype).tiny]))
    return xp.log(xp.where(probs > tiny, probs, tiny))


def possible(probs: Array, weights: Array) -> Array:
    """Whether [sample, class] any member with weight [member] gives a class more than nothing.

    The answers that a row of choices has not are those that nobody does: they stay at zero.
    """
    xp = namespace(probs)
    return xp.max(probs * xp.astype(weights > 0, probs.dtype)[:, None, None], axis=0) > 0


def clipped_nll(of_label: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """NLL of what labels [sample] are given, clipped as the metric clips it: what learned arguments are judged by.

    Each row [sample] counts as often as `counts` says.
    """
    return float(-np.log(np.maximum(of_label, SMALLEST_PROBABILITY)) @ counts / counts.sum())


def softmax(logits: Array, possible: Array | None = None) -> Array:
    """Probabilities proportional to exp(logits) along the last axis; zero where they are not possible.

    Of those that are possible, one at least must have the highest logit.
    """
    xp = namespace(logits)
    shares = xp.exp(logits - xp.max(logits, axis=-1, keepdims=True))
    if possible is not None:
        shares = xp.where(possible, shares, xp.zeros_like(shares))
    return shares / xp.sum(shares, axis=-1, keepdims=True)
