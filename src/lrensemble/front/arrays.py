"""Data that are given as they are: arrays, tensors, frames, a data set of torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, TensorDataset

from lrensemble.data import Samples
from lrensemble.data.npz import samples_of
from lrensemble.errors import DataError
from lrensemble.front.fingerprint import fingerprint
from lrensemble.here import hold
from lrensemble.registry import ask_for
from lrensemble.spec import Spec

OPTIONS = ("kind", "weights", "soft")
"""What a table of arrays may say beside them, as the data set `npz` takes it."""


def holds_arrays(given: Any) -> bool:
    """Whether data are given as they are, and not by a name, a table of an experiment or a folder."""
    if isinstance(given, Mapping):
        return any(_is_array(value) for value in given.values())
    return isinstance(given, tuple | list | Dataset)


def as_source(given: Any) -> dict[str, object]:
    """The table `[data]` of data that are given as they are.

    Args:
        given: `(X, y)`, or `(frame, "column of y")`; a table with `x` and `y` and, where there are test rows, `x_test`
            and `y_test`, and what else the arrays of an `.npz` file may hold; or a data set of torch of (input, truth).

    Raises:
        DataError: arrays that do not fit together, or hold something else than numbers.
    """
    arrays, options = _arrays(given)
    samples = samples_of(arrays, "data", **options)
    digest = fingerprint({"arrays": arrays, "options": options})

    def data(folder: Path | None) -> Samples:  # noqa: ARG001 – every data set is told the folder
        return samples

    data.__module__ = "__main__"
    path = hold(data, "data", digest)
    ask_for(path)
    return {"source": Spec(path)}


def _arrays(given: Any) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    if isinstance(given, Mapping):
        options = {str(key): value for key, value in given.items() if key in OPTIONS and isinstance(value, str)}
        return {str(key): as_array(value) for key, value in given.items() if key not in options}, options
    if isinstance(given, TensorDataset) and len(given.tensors) == 2:
        return dict(zip(("x", "y"), map(as_array, given.tensors), strict=True)), {}
    if isinstance(given, Dataset):
        return _of_dataset(given), {}
    if len(given) != 2:
        raise DataError(
            f"data of {len(given)} parts are refused; give (X, y), or {{'x': …, 'y': …, 'x_test': …, 'y_test': …}}"
        )
    inputs, truth = given
    if isinstance(truth, str):
        inputs, truth = _divided(inputs, truth)
    return {"x": as_array(inputs), "y": as_array(truth)}, {}


def _divided(frame: Any, column: str) -> tuple[Any, Any]:
    """A frame without one of its columns, and that column.

    Raises:
        DataError: no frame, or it has no such column.
    """
    columns = [str(each) for each in getattr(frame, "columns", ())]
    if column not in columns:
        raise DataError(f"data have no column {column!r} to learn; they have {', '.join(columns) or 'no columns'}")
    others = [each for each in columns if each != column]
    return frame[others], frame[column]


def _of_dataset(given: Dataset[Any]) -> dict[str, NDArray[Any]]:
    """Inputs and truth of a data set of torch, each row read once.

    Raises:
        DataError: it has no length, no row, or rows that are not (input, truth).
    """
    rows = getattr(given, "__len__", None)
    if rows is None or rows() == 0:
        raise DataError(f"{type(given).__name__} has no rows that can be counted; give one with a length, or arrays")
    found = [given[place] for place in range(rows())]
    if not all(isinstance(row, tuple | list) and len(row) == 2 for row in found):
        raise DataError(f"rows of {type(given).__name__} must be (input, truth), for each of {rows()}")
    try:
        inputs = np.stack([as_array(row[0]) for row in found])
        truth = np.stack([as_array(row[1]) for row in found])
    except ValueError as error:
        raise DataError(f"rows of {type(given).__name__} do not fit together: {error}") from None
    return {"x": inputs, "y": truth}


def as_array(given: Any) -> NDArray[Any]:
    """Numbers or texts as an array, from numpy, torch on any device, pandas, polars or lists."""
    if isinstance(given, torch.Tensor):
        tensor = given.detach().cpu()
        return (tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor).numpy()
    array = np.asarray(given)
    if array.dtype.kind == "O" and all(isinstance(each, str) for each in array.ravel()):
        return array.astype(np.str_)
    return array


def _is_array(given: object) -> bool:
    return isinstance(given, np.ndarray | torch.Tensor) or hasattr(given, "to_numpy") or isinstance(given, list)
