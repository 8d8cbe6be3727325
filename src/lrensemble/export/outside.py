"""Inputs far outside of what an ensemble was trained on: found before anything is predicted of them.

A row is far outside where a value lies beyond the range of training by more than a standard deviation of its channel or
feature (or a tenth of the range, where that is more); where the contrast of an image is less than a tenth of nearly all
in training, or more than ten times it, as of bytes that were divided by 255; or where it is not finite. Features all of
which vary by less than a twentieth of what they did are in other units.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrensemble.config import Inputs, Seen
from lrensemble.errors import DataError
from lrensemble.numerics import namespace

Array: TypeAlias = Any
"""A numpy array or a torch tensor, on any device."""

CONTRAST_FACTOR = 10
"""Ratio to the contrasts of training beyond which an image is far outside."""
VARIATION = 0.05
"""Part of the standard deviations of training below which no feature of a table may stay."""
VARIATION_ROWS = 8
"""Rows from which on that is asked."""
BLOCK_ROWS = 1024

BYTES = (8.0, 128.0)
"""Contrasts that are taken for usual of images of bytes where none were measured."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outside:
    """Rows that are far outside, and what is wrong with the first of them."""

    rows: NDArray[np.bool_]
    """Whether each row [sample] is."""
    reason: str = ""
    """Reason for the first of them."""

    def in_file(self, path: Path) -> Outside:
        """What was found, with the file that it was found in."""
        return replace(self, reason=f"{path}: {self.reason}") if self.reason else self

    def __str__(self) -> str:
        count = f"{int(self.rows.sum()):,} of {len(self.rows):,} rows"
        return f"{count} far outside of what was trained on: {self.reason}; what is predicted of them means little"


def known_range(inputs: Inputs) -> Seen | None:
    """Range and statistics of training; those of any images of bytes where an earlier version has kept none."""
    if inputs.seen is not None or inputs.dtype != "uint8" or len(inputs.shape) < 3:
        return inputs.seen
    channels = inputs.shape[0]
    low, high, half = (0.0,) * channels, (255.0,) * channels, (127.5,) * channels
    return Seen(low=low, high=high, mean=half, std=low, contrast=BYTES)


def outside(inputs: Inputs, rows: Array) -> Outside:
    """Rows [sample, *shape] of raw inputs that are far outside; none where the range of training is not known."""
    seen = known_range(inputs)
    if seen is None or not len(rows) or namespace(rows).isdtype(rows.dtype, "complex floating"):
        return Outside(np.zeros(len(rows), dtype=np.bool_))
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is outside
        return joined([_of_block(seen, rows[start : start + BLOCK_ROWS]) for start in range(0, len(rows), BLOCK_ROWS)])


def joined(found: Sequence[Outside]) -> Outside:
    """What was found in several blocks, as one."""
    rows = np.concatenate([each.rows for each in found]) if found else np.empty(0, dtype=np.bool_)
    return Outside(rows, next((each.reason for each in found if each.reason), ""))


def warn_or_refuse(found: Outside, *, strict: bool) -> None:
    """Say that rows are far outside, where some are.

    Raises:
        DataError: some are, and that is to be refused.
    """
    if not found.rows.any():
        return
    if strict:
        raise DataError(f"{found}; mend them, or leave strict away to predict them all the same")
    logger.warning("%s", found)


def _of_block(seen: Seen, rows: Array) -> Outside:
    xp = namespace(rows)
    values = _values(xp, rows)
    low, high, std = (
        xp.asarray(each, dtype=xp.float64, device=rows.device) for each in (seen.low, seen.high, seen.std)
    )
    margin = xp.maximum(std, (high - low) / 10)
    margin = xp.where(margin > 0, margin, xp.ones_like(margin))  # as the ensemble divides by 1 where nothing varied
    lowest, highest = (xp.astype(each, xp.float64) for each in (xp.min(values, axis=2), xp.max(values, axis=2)))
    # Written so that NaN is outside.
    beyond = ~((lowest >= low - margin) & (highest <= high + margin))
    found = xp.any(beyond, axis=1)
    if seen.contrast is not None:
        contrast = _contrasts(xp, values)
        usual = (contrast >= seen.contrast[0] / CONTRAST_FACTOR) & (contrast <= seen.contrast[1] * CONTRAST_FACTOR)
        found = found | ((contrast > 0) & ~usual)
    if rows.ndim == 2 and not found.any() and len(rows) >= VARIATION_ROWS:
        varied = xp.std(values[..., 0], axis=0)[std > 0] / std[std > 0]
        if len(varied) and 0 < float(varied.max()) < VARIATION:
            reason = f"no feature varies by more than {float(varied.max()):.2g} of its standard deviation in training"
            return Outside(np.ones(len(rows), dtype=np.bool_), f"{reason}, so they are in other units")
    given = found if xp is np else found.cpu().numpy()
    if not given.any():
        return Outside(given)
    if rows.ndim == 2:
        return Outside(given, _of_feature(seen, rows, beyond))
    ends = float(lowest[found].min()), float(highest[found].max())
    return Outside(given, _of_images(seen, *ends, float(_contrasts(xp, values[found][:1])[0])))


def _values(xp: Any, rows: Array) -> Array:
    """Values [sample, channel, place] of images in float32, or in float64 where they are; of features in float64."""
    if rows.ndim == 2:
        return xp.astype(rows, xp.float64)[..., None]
    floats = rows if rows.dtype == xp.float64 else xp.astype(rows, xp.float32)
    return xp.reshape(floats, (len(rows), rows.shape[1], -1))


def _contrasts(xp: Any, values: Array) -> Array:
    """Standard deviation [sample] of all values [sample, channel, place] of an image."""
    return xp.std(xp.reshape(values, (len(values), -1)), axis=1)


def _of_feature(seen: Seen, rows: Array, beyond: Array) -> str:
    """Reason of the first row with a feature beyond its range."""
    row, feature = (int(each[0]) for each in namespace(beyond).nonzero(beyond))
    said = f"{seen.low[feature]:g} to {seen.high[feature]:g}"
    return f"feature {feature} is {float(rows[row, feature]):g} where training had {said}"


def _of_images(seen: Seen, lowest: float, highest: float, contrast: float) -> str:
    """Reason of images with these values, the first of which has this contrast, and what to do where it is plain."""
    if not math.isfinite(lowest) or not math.isfinite(highest):
        return "some values are not finite"
    low, high = min(seen.low), max(seen.high)
    reason = f"values go from {lowest:g} to {highest:g} where training had {low:g} to {high:g}"
    if lowest >= 0 and highest <= 1 and high > 2:
        return f"{reason} (divided by 255? multiply them by 255)"
    if lowest >= 0 and low >= 0 and high <= 1 and highest > 2:
        return f"{reason} (divide them by 255)"
    if lowest < 0 <= low:
        return f"{reason} (normalised? the ensemble does that itself)"
    if seen.contrast is not None and low <= lowest and highest <= high:
        usual = f"{seen.contrast[0]:.3g} to {seen.contrast[1]:.3g}"
        return f"the values of an image have a standard deviation of {contrast:.3g} where training had {usual}"
    return reason
