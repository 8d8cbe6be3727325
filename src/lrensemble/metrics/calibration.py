"""How honest the confidence is: expected calibration error."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.metrics.base import METRICS


@METRICS.register(bins=15, binning="equal_width")
def ece(
    probs: NDArray[np.float64],
    labels: NDArray[np.int64],
    *,
    bins: Annotated[int, Field(gt=0)] = 15,
    binning: Literal["equal_width", "equal_mass"] = "equal_width",
) -> float:
    """Expected calibration error: mean over rows' bins of |accuracy - mean confidence|. Lower is better.

    Confidence is the probability of the likeliest class. Equal-width bins are (0, 1/bins], … (Naeini et al. 2015; Guo
    et al. 2017, eq. 3); equal-mass bins hold the rows in order of confidence, as many in each as can be (Nixon et al.
    2019). Empty bins count nothing.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        bins: how many.
        binning: how their borders are set.
    """
    confidence = probs.max(axis=1)
    excess = (probs.argmax(axis=1) == labels) - confidence
    if binning == "equal_width":
        bin_of_row = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    else:
        bin_of_row = np.empty(len(labels), dtype=np.int64)
        bin_of_row[np.argsort(confidence, kind="stable")] = np.arange(len(labels)) * bins // len(labels)
    return float(np.abs(np.bincount(bin_of_row, weights=excess, minlength=bins)).sum() / len(labels))
