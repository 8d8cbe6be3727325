"""Range and statistics of the inputs that members are trained on, by which inputs far outside are known later."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.config import Seen

_BLOCK = 4096
"""Rows that are looked at at once, so that no second copy of the data is made."""
_CONTRASTS = 4096
"""Rows at most whose contrast is measured: the quantiles of so many are near enough."""
_QUANTILES = (0.01, 0.99)


def seen_of(inputs: NDArray[Any], rows: NDArray[np.int64], mean: NDArray[Any], std: NDArray[Any]) -> Seen:
    """Range and statistics of some rows of raw inputs.

    Args:
        inputs: [sample, channel, …] or [sample, feature].
        rows: rows that are meant.
        mean: mean of each channel or feature over them.
        std: their standard deviation; 1 may stand for 0.
    """
    axes = tuple(axis for axis in range(inputs.ndim) if axis != 1)
    blocks = [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
    low = np.min([inputs[block].min(axis=axes) for block in blocks], axis=0).astype(np.float64)
    high = np.max([inputs[block].max(axis=axes) for block in blocks], axis=0).astype(np.float64)
    return Seen(
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        mean=tuple(mean.tolist()),
        std=tuple(np.where(low < high, std, 0).tolist()),
        contrast=_contrast(inputs[rows[:: -(-len(rows) // _CONTRASTS)]]) if inputs.ndim > 2 else None,
    )


def _contrast(inputs: NDArray[Any]) -> tuple[float, float] | None:
    """Quantiles of the contrast of inputs [sample, channel, …] that do not hold one value alone."""
    contrasts = contrast_of(inputs)
    varied = contrasts[contrasts > 0]
    if not len(varied):
        return None
    low, high = np.quantile(varied, _QUANTILES)
    return float(low), float(high)


def contrast_of(inputs: NDArray[Any]) -> NDArray[np.float64]:
    """Standard deviation of each input [sample] over all its values."""
    flat = inputs.reshape(len(inputs), -1)
    blocks = [flat[start : start + _BLOCK].std(axis=1, dtype=np.float64) for start in range(0, len(flat), _BLOCK)]
    return np.concatenate(blocks) if blocks else np.empty(0)


def are_unlike(one: Seen | None, other: Seen | None) -> bool:
    """Whether two sets of inputs cannot be the same features: most lie elsewhere, or spread three times as far.

    Two draws of rows of one data set differ by less; inputs that were scaled, for one of two models, differ by more.
    """
    if one is None or other is None or len(one.mean) != len(other.mean):
        return False
    (low, high), apart = np.sort([one.std, other.std], axis=0), np.abs(np.subtract(one.mean, other.mean))
    differing = (apart > high) | (high > 3 * low)
    return bool(2 * differing.sum() > len(differing))
