"""Calibration of the confidence: expected calibration error."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.limits import Count
from lrensemble.metrics.base import METRICS, Floats, Labels
from lrensemble.metrics.scores import correct

Binning = Literal["equal_width", "equal_mass"]


def confidence_and_correctness(probs: Floats, labels: Labels) -> Floats:
    """Probability of the likeliest class, and whether that is the label: [sample, 2]."""
    return np.stack([probs.max(axis=1), correct(probs, labels)], axis=1)


def ece_of_rows(
    rows: Floats, weights: Floats | None = None, *, bins: int = 15, binning: Binning = "equal_width"
) -> float:
    """Expected calibration error of confidence and correctness [sample, 2]."""
    confidence, right = rows[:, 0], rows[:, 1]
    counts = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
    excess = counts * (right - confidence)
    if binning == "equal_width":
        of_bin = np.bincount(equal_width_bins(confidence, bins), weights=excess, minlength=bins)
    else:
        order = np.argsort(confidence, kind="stable")
        upto = [np.append(0.0, np.cumsum(values[order])) for values in (counts, excess)]
        of_bin = np.diff(np.interp(np.linspace(0, upto[0][-1], bins + 1), upto[0], upto[1]))
    return float(np.abs(of_bin).sum() / counts.sum())


@METRICS.register(
    higher_is_better=False,
    reduced=confidence_and_correctness,
    of_reduced=ece_of_rows,
    lowest=0.0,
    highest=1.0,
    unit="fraction",
    bins=15,
    binning="equal_width",
)
def ece(
    probs: Floats,
    labels: Labels,
    weights: Floats | None = None,
    *,
    bins: Count = 15,
    binning: Binning = "equal_width",
) -> float:
    """Expected calibration error: mean over rows' bins of |accuracy - mean confidence|. Lower is better.

    Confidence is the probability of the likeliest class. Equal-width bins are (0, 1/bins], … (Naeini et al. 2015; Guo
    et al. 2017, eq. 3); equal-mass bins hold the rows in order of confidence, the same mass in each (Nixon et al.
    2019), and a row across a border counts in both by its shares. Empty bins count nothing.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
        bins: how many.
        binning: how their borders are set.
    """
    return ece_of_rows(confidence_and_correctness(probs, labels), weights, bins=bins, binning=binning)


def equal_width_bins(confidence: Floats, bins: int) -> NDArray[np.int64]:
    """Bin of each confidence [sample], of (0, 1/bins], (1/bins, 2/bins], …

    Compared with the borders themselves: 0.07 is in (0.06, 0.07], although 0.07 * 100 is above 7 in floating point.
    """
    return np.searchsorted(np.arange(1, bins) / bins, confidence, side="left")
