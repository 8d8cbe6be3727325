"""Checks of class indices and of probabilities, written once for all that read them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError

SUM_TOLERANCE = 1e-3
"""Largest difference of the sum of a row's probabilities from 1: float16 predictions reach 5e-4."""


def check_labels(labels: NDArray[np.integer], rows: int, classes: int) -> None:
    """Refuse labels that are not one class index a row.

    Raises:
        PredictionsError: another number of rows, not integers, or outside 0 … classes - 1; the first bad row is named.
    """
    if labels.ndim != 1 or len(labels) != rows:
        raise PredictionsError(f"labels have shape {labels.shape}; the predictions have {rows} rows, so give [{rows}]")
    if not np.issubdtype(labels.dtype, np.integer):
        raise PredictionsError(f"labels are {labels.dtype}; give class indices as integers")
    outside = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(outside):
        row = int(outside[0])
        raise PredictionsError(
            f"label {labels[row]} in row {row} is outside the classes; "
            f"with {classes} classes, 0 to {classes - 1} are allowed"
        )


def check_probabilities(probs: NDArray[np.floating], source: str, first_row: int = 0) -> None:
    """Refuse what is no distribution over classes along the last axis.

    Args:
        probs: [sample, class], or [member, sample, class].
        source: beginning of the message.
        first_row: place of the first row in what they are a part of.

    Raises:
        PredictionsError: NaN, negative, or rows that do not sum to one; the first bad position is named after `source`.
    """
    sums = probs.sum(axis=-1, dtype=np.float64)
    for bad, reason in (
        (np.isnan(sums), "holds NaN"),
        ((probs < 0).any(axis=-1), "holds a negative probability"),
        (np.abs(sums - 1) > SUM_TOLERANCE, "does not sum to one"),
    ):
        if bad.any():
            where = tuple(int(i) for i in np.argwhere(bad)[0])
            places = (*where[:-1], where[-1] + first_row)
            position = ", ".join(
                f"{axis} {i}" for axis, i in zip(("member", "row")[-len(where) :], places, strict=True)
            )
            detail = f" (sum {sums[where]:.6g}; are these logits?)" if reason.startswith("does") else ""
            raise PredictionsError(f"{source}: {position} {reason}{detail}; give class probabilities")
