"""One number a row about two classes: that of class 1, whose rest is that of class 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.pool.collect.names import GivenForm


def of_class_one(array: NDArray[Any], form: GivenForm) -> NDArray[np.float64]:
    """Both classes [..., sample, 2] of one number a row [..., sample].

    Args:
        array: of the probability of class 1, its logarithm, or its logit.
        form: which of these.
    """
    one = array.astype(np.float64)
    if form == "probs":
        return np.stack([1 - one, one], axis=-1)
    if form == "logits":
        return np.stack([np.zeros_like(one), one], axis=-1)
    with np.errstate(divide="ignore"):
        return np.stack([np.log1p(-np.exp(np.minimum(one, 0))), one], axis=-1)
