"""What numbers mean: probabilities, their logarithms, logits, labels or values; and what a truth is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.files import release
from lrensemble.pool.collect.names import GivenForm
from lrensemble.pool.collect.rounded import MOST_OFF, rounded_by
from lrensemble.pool.collect.unpredicted import unpredicted

Array = NDArray[Any]

FEW = 20
"""Different whole numbers at most that may be classes though some between them are missing."""
LOOKED_AT, AT_ONCE = 20_000, 2**22
"""Rows that are looked at to tell what numbers mean, and numbers in them: as many rows as reach neither."""


def distributes(array: Array) -> bool:
    """Whether every row [..., class] is a distribution over classes, but for rounding and for rows without any."""
    rows = _rows(array)
    if not len(rows) or rows.shape[1] < 2 or rows.min() < -1e-6 or rows.max() > 1 + MOST_OFF:
        return False
    off = np.abs(rows.sum(axis=1) - 1)
    return bool(off.max() <= rounded_by(rows))


def log_distributes(array: Array) -> bool:
    """Whether every row [..., class] holds logarithms of a distribution over classes."""
    rows = _rows(array)
    if not len(rows) or rows.max() > 1e-3:
        return False
    return bool((np.abs(np.exp(rows).sum(axis=1) - 1) <= 1e-2).all())


def _rows(array: Array) -> Array:
    width = array.shape[-1]
    rows = max(1, min(LOOKED_AT, AT_ONCE // max(1, width)))
    flat = array.reshape(-1, width)[:: max(1, array.size // width // rows)].astype(np.float64)
    empty = unpredicted(flat)
    return flat[~empty] if empty.any() else flat


def _range(array: Array) -> tuple[float, float]:
    """Lowest and highest number that is not NaN, of a mapped array with no more in memory than some of it."""
    low, high = [], []
    step = max(1, AT_ONCE * len(array) // max(1, array.size))
    for start in range(0, len(array), step):
        block = array[start : start + step]
        low.append(float(np.fmin.reduce(block, axis=None)))
        high.append(float(np.fmax.reduce(block, axis=None)))
        release((array,))
    return float(np.fmin.reduce(low)), float(np.fmax.reduce(high))


def dense_form(array: Array, truth: Array | None) -> GivenForm | None:
    """Form of predictions [..., sample, column] that no name tells; None where it is unclear.

    Args:
        array: of numbers.
        truth: [sample], or [sample, output].
    """
    if array.dtype.kind not in "fiub" or not array.size:
        return None
    if distributes(array):
        return "probs"
    if log_distributes(array):
        return "log_probs"
    if truth is None:
        return None
    if truth.ndim == 2 and truth.shape[1] == array.shape[-1] and not one_hot(truth):
        return "values"
    classes = class_values(truth)
    low, high = _range(array)
    sums = _rows(array).sum(axis=1)
    if low >= 0 and len(sums) and np.ptp(sums) <= MOST_OFF * abs(sums[0]):
        return None  # percentages, say, or counts of votes
    if classes is not None and len(classes) <= array.shape[-1] and array.dtype.kind == "f" and (low < 0 or high > 1):
        # Of fewer classes than there are columns, a column may as well be a model, or a feature.
        all_occur = len(classes) == array.shape[-1]
        return "logits" if all_occur or tells_classes(array, truth, tuple(map(str, range(array.shape[-1])))) else None
    return None


def tells_classes(array: Array, truth: Array, classes: Sequence[str]) -> bool:
    """Whether the highest column of predictions [..., sample, class] is that of the truth more often than by chance.

    By chance is as often as the most frequent class; more often is by three standard errors.

    Args:
        array: of any numbers.
        truth: [sample], or one-hot.
        classes: name of each column.
    """
    if len(truth) == 0 or array.shape[-2] != len(truth):
        return False
    every = max(1, len(truth) // LOOKED_AT)
    array, classes_of_truth = array[..., ::every, :], class_values(truth) or []
    labels = (truth.argmax(axis=1) if truth.ndim == 2 else truth)[::every]
    names = [str(int(label)) if truth.dtype.kind in "biuf" and label == label else str(label) for label in labels]
    places = {name: place for place, name in enumerate(classes)}
    if not set(names) <= set(places):  # labels that count the columns, from one or from zero
        places = {str(value): place for place, value in enumerate(classes_of_truth)}
    wanted = np.array([places.get(name, -1) for name in names])
    frequent = float(np.bincount(wanted + 1).max()) / len(wanted)
    agree = float((np.nan_to_num(array).argmax(axis=-1) == wanted).mean())
    return agree > frequent + 3 * math.sqrt(frequent * (1 - frequent) / len(wanted))


def single_form(array: Array, truth: Array | None) -> GivenForm | None:
    """Form of one number a row [..., sample]: `probs` are of class 1, `top1` are labels; None where it is unclear.

    Args:
        array: of numbers or texts.
        truth: [sample].
    """
    if truth is None or truth.ndim != 1 or not array.size:
        return None
    classes = class_values(truth)
    if array.dtype.kind in "US":
        return "top1" if classes is not None and set(np.unique(array)) <= {*map(str, classes)} else None
    known = array[~np.isnan(array)] if array.dtype.kind == "f" else array
    whole = bool((known == np.floor(known)).all()) if array.dtype.kind == "f" else True
    if classes is None:
        return "values" if array.dtype.kind in "fiu" else None
    numbers = truth.dtype.kind in "biuf"
    if whole and len(known) and numbers and set(np.unique(known).tolist()) <= {*map(float, classes)}:
        return "top1"
    if len(classes) == 2 and known.min() >= 0 and known.max() <= 1:
        return "probs"
    beyond = known.min() < 0 or known.max() > 1  # what lies within may be the probability of anything
    return "values" if numbers and not whole and beyond and len(classes) > 2 else None


def class_values(truth: Array) -> list[Any] | None:
    """Different values of a truth of classes, sorted; None where it is one of real numbers."""
    if truth.ndim != 1:
        return list(range(truth.shape[1])) if truth.ndim == 2 and one_hot(truth) else None
    if truth.dtype.kind in "USb":
        return list(np.unique(truth).tolist())
    if truth.dtype.kind not in "iuf":
        return None
    known = truth[~np.isnan(truth)] if truth.dtype.kind == "f" else truth
    if truth.dtype.kind == "f" and (known != np.floor(known)).any():
        return None
    different = np.unique(known)
    gapless = (
        len(different) > 0 and different[-1] - different[0] + 1 == len(different) and len(different) <= len(known) / 2
    )
    if len(different) > FEW and not gapless:
        return None
    return [int(value) for value in different]


def one_hot(array: Array) -> bool:
    """Whether every row [sample, class] has a single one, and zeros."""
    return bool(
        array.ndim == 2
        and array.shape[1] > 1
        and array.dtype.kind in "biuf"
        and np.isin(array, (0, 1)).all()
        and (array.sum(axis=1) == 1).all()
    )
