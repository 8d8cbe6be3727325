"""Numbers that are given as they are, as arrays: from numpy, torch, frames or lists. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from array_api_compat import is_torch_array
from numpy.typing import NDArray

from lrensemble.data.frames import is_frame, names_of, numbers_in
from lrensemble.errors import DataError


def aligned(
    inputs: Mapping[str, Any], first: Sequence[str], source: str
) -> tuple[dict[str, NDArray[Any]], tuple[str, ...] | None]:
    """Inputs as arrays by name, and the names of features: of the frame that stands first, None where none does.

    All other frames have their columns put in its order.

    Args:
        inputs: arrays, tensors or frames.
        first: names of those whose columns say the order, if they are frames.
        source: what they are called in errors.

    Raises:
        DataError: a column is missing, or holds no numbers.
    """
    named = [names_of(inputs[name]) for name in first if is_frame(inputs[name])]
    features = named[0] if named else None
    return {name: as_array(each, features, f"{source}: {name}") for name, each in inputs.items()}, features


def as_truth(given: Any) -> NDArray[Any]:
    """Truth as an array; a frame of one column stands for the column."""
    if is_frame(given) and (names := names_of(given)) is not None and len(names) == 1:
        return as_array(given[names[0]])[:, None]
    return as_array(given)


def as_array(given: Any, features: Sequence[str] | None = None, source: str = "data") -> NDArray[Any]:
    """Numbers or texts as an array, from numpy, torch on any device, pandas, polars or lists.

    Args:
        given: what is to be an array.
        features: columns of a frame, in this order; all in their own unless given.
        source: what a frame is called in errors.

    Raises:
        DataError: a frame has no such column, or one that holds no numbers; values are masked; or lists differ in
            length.
    """
    if np.ma.is_masked(given):
        raise DataError(f"{source}: some values are masked, and so are none; fill them in, or leave these rows out")
    if is_frame(given):
        return numbers_in(given, features, source)
    if is_torch_array(given):
        tensor = given.detach().cpu()
        return np.asarray(tensor.float() if str(tensor.dtype) in ("torch.bfloat16", "torch.float16") else tensor)
    try:
        array = np.asarray(given)
    except ValueError:  # of lists
        raise DataError(f"{source}: rows differ in length, and so are no array; give as many numbers in each") from None
    if array.dtype.kind == "O" and all(isinstance(each, str) for each in array.ravel()):
        return array.astype(np.str_)
    return array
