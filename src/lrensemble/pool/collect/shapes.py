"""Shapes of predictions: which axis is of members, and what the plain way to write a form is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.pool.collect.names import GivenForm, Layout
from lrensemble.pool.collect.reading.one_column import of_class_one


def plain(form: GivenForm, array: NDArray[Any], rows: int | None, part: str = "") -> NDArray[Any]:
    """Predictions in the plain way to write them: whole labels as integers, and both of two classes.

    Args:
        form: of the predictions.
        array: as a file has it.
        rows: number of rows, where the truth tells it.
        part: of the form; empty for the array that it is named after.
    """
    if part:
        return array
    if form in ("top1", "likelihood") and array.ndim > 1 and array.shape[-1] == 1 and rows not in (None, 1):
        array = array[..., 0]
    if form == "top1" and array.dtype.kind == "b":
        return array.astype(np.int64)
    if form in ("probs", "logits") and array.dtype.kind == "f" and rows not in (None, 1):
        if array.shape[-1:] == (1,) and array.ndim > 1:
            array = array[..., 0]
        single = array.ndim == 1 or (array.ndim == 2 and array.shape[1] == rows != array.shape[0])
        if single and (form == "logits" or (array.min() >= 0 and array.max() <= 1)):
            return of_class_one(array, form)
    return array


def has_members(layout: Layout, array: NDArray[Any], rows: int | None, *, in_folder: bool) -> bool:
    """Whether the first axis of predictions is of members, by the number of axes and of rows."""
    axes = 1 + bool(layout.axis)
    if layout.axis == "output" and array.ndim == 2:
        if rows is not None and (array.shape[0] == rows) != (array.shape[1] == rows):
            return bool(array.shape[1] == rows)
        return not in_folder
    if layout.axis == "output":
        return array.ndim > 2
    return array.ndim != axes


def with_outputs(array: NDArray[Any], axis: str, axes: str) -> NDArray[Any]:
    """Values of one output may come without its axis."""
    return array[..., None] if axis == "output" and array.ndim == axes.count(",") else array


def require_shape(array: NDArray[Any], axes: str, kinds: str, shape: tuple[int, ...] | None, where: str) -> None:
    """Refuse an array of another kind of numbers, with other axes, or of another shape than what it is a part of."""
    texts = kinds == "iu" and array.dtype.kind == "U" and "k" not in axes  # names of classes, which are told later
    if array.ndim != axes.count(",") + 1 or 0 in array.shape or not (array.dtype.kind in kinds or texts):
        name = "integers" if kinds == "iu" else "floating-point numbers"
        raise PredictionsError(
            f"{where} are {array.dtype} of shape {array.shape}; give {name} [{axes}], at least one of each"
            + (" (numbers of a regression are called `values`, or --kind values)" if axes.endswith("class") else "")
        )
    if shape is not None and array.shape != shape:
        raise PredictionsError(f"{where} have shape {array.shape}; give {shape}, as the predictions have")
