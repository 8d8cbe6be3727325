"""How honest the confidence is: expected calibration error."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from lrensemble.metrics.base import METRICS, Floats, Labels
from lrensemble.numerics import likeliest


@METRICS.register(higher_is_better=False, lowest=0.0, highest=1.0, unit="fraction", bins=15, binning="equal_width")
def ece(
    probs: Floats,
    labels: Labels,
    weights: Floats | None = None,
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
        weights: [sample] how often each row counts.
        bins: how many.
        binning: how their borders are set.
    """
    confidence = probs.max(axis=1)
    counts = np.ones(len(labels)) if weights is None else np.asarray(weights, dtype=np.float64)
    excess = (likeliest(probs) == labels) - confidence
    if binning == "equal_width":
        bin_of_row = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    else:
        order = np.argsort(confidence, kind="stable")
        before = np.cumsum(counts[order]) - counts[order]
        bin_of_row = np.empty(len(labels), dtype=np.int64)
        bin_of_row[order] = np.minimum(before * bins / counts.sum(), bins - 1).astype(np.int64)
    return float(np.abs(np.bincount(bin_of_row, weights=counts * excess, minlength=bins)).sum() / counts.sum())
