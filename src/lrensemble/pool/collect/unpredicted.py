"""Rows that nobody predicted, as out-of-fold files have them: NaN in every column, or the zeros they began with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

AT_ONCE = 2**20
"""Numbers that are looked at together."""


def unpredicted(array: NDArray[Any], *, zeros: bool = True) -> NDArray[np.bool_]:
    """Mask [sample] of rows of an array [sample, …] that hold nothing.

    Args:
        array: of numbers or texts.
        zeros: whether a row of zeros holds nothing, as no distribution over classes has.
    """
    step = max(1, AT_ONCE * len(array) // max(1, array.size))
    blocks = (array[start : start + step] for start in range(0, len(array), step))
    return np.concatenate([np.zeros(0, dtype=bool), *(_empty(block, zeros=zeros) for block in blocks)])


def _empty(array: NDArray[Any], *, zeros: bool) -> NDArray[np.bool_]:
    rows = array.reshape(len(array), -1)
    if rows.dtype.kind == "U":
        return np.asarray((rows == "").all(axis=1))
    empty = np.isnan(rows).all(axis=1) if rows.dtype.kind == "f" else np.zeros(len(rows), dtype=bool)
    if zeros and rows.shape[1] > 1:
        empty |= (rows == 0).all(axis=1)
    return np.asarray(empty)
