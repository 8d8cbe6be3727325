"""Range and statistics of the inputs that members are trained on, by which inputs far outside are known later."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.config import Inputs, Seen

_BLOCK = 4096
"""Rows that are looked at at once, so that no second copy of the data is made."""
_CONTRASTS = 4096
"""Rows at most whose contrast is measured: the quantiles of so many are near enough."""
_QUANTILES = (0.01, 0.99)

OTHER_ROWS = 10
"""Factor by which statistics may differ more where they are of other rows."""
ROUNDING = 1e-5
"""Part of a mean by which it may differ with the type of the numbers."""


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


def are_unlike(one: Inputs, other: Inputs) -> bool:
    """Whether two sets of inputs cannot be the same features: most lie elsewhere, or spread three times as far.

    Inputs that were scaled, for one of two models, differ by more. Statistics of training rows beside those of
    validation rows are of two draws, between which a trend or a heavy tail lies: there it takes ten times as much.
    """
    first, second = one.seen, other.seen
    if first is None or second is None or len(first.mean) != len(second.mean):
        return False
    factor = 1 if _of_training(one) == _of_training(other) else OTHER_ROWS
    (low, high), apart = np.sort([first.std, second.std], axis=0), np.abs(np.subtract(first.mean, second.mean))
    rounding = ROUNDING * np.abs([first.mean, second.mean]).max(axis=0)
    differing = (apart > factor * high + rounding) | (high > 3 * factor * low + rounding)
    return bool(2 * differing.sum() > len(differing))


def _of_training(inputs: Inputs) -> bool:
    """Whether statistics are those of training rows, by which a data set normalises as well."""
    return inputs.seen is not None and inputs.mean == inputs.seen.mean
