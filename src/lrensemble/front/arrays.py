"""Data that are given as they are: arrays, tensors, frames, a data set of torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, TensorDataset

from lrensemble.data import Samples
from lrensemble.data.frames import columns_of, is_frame
from lrensemble.data.npz import INPUTS, TEST_INPUTS, TEST_LABELS, samples_of
from lrensemble.errors import DataError
from lrensemble.front.fingerprint import fingerprint
from lrensemble.front.indexes import in_order_of
from lrensemble.front.numbers import aligned, as_array, as_truth
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
    arrays, options, features = _arrays(given)
    samples = samples_of(arrays, "data", features=features, **options)
    digest = fingerprint({"arrays": arrays, "options": options})

    def data(folder: Path | None) -> Samples:  # noqa: ARG001 – every data set is told the folder
        return samples

    data.__module__ = "__main__"
    path = hold(data, "data", digest)
    ask_for(path)
    return {"source": Spec(path)}


def _arrays(given: Any) -> tuple[dict[str, NDArray[Any]], dict[str, Any], tuple[str, ...] | None]:
    """Arrays by name, what is said beside them, and the names of features, which a frame has."""
    if isinstance(given, Mapping):
        options = {str(key): value for key, value in given.items() if key in OPTIONS and isinstance(value, str)}
        inputs = {str(key): value for key, value in given.items() if key in (*INPUTS, *TEST_INPUTS)}
        found, features = aligned(inputs, [name for name in INPUTS if name in inputs], "data")
        others = {str(key): value for key, value in given.items() if key not in {*options, *inputs}}
        others = beside(others, inputs, TEST_LABELS, TEST_INPUTS)
        both = found | others
        return {key: both[key] for key in map(str, given) if key in both}, options, features
    if isinstance(given, TensorDataset) and len(given.tensors) == 2:
        return dict(zip(("x", "y"), map(as_array, given.tensors), strict=True)), {}, None
    if isinstance(given, Dataset):
        return _of_dataset(given), {}, None
    if len(given) != 2:
        raise DataError(
            f"data of {len(given)} parts are refused; give (X, y), or {{'x': …, 'y': …, 'x_test': …, 'y_test': …}}"
        )
    inputs, truth = given
    if isinstance(truth, str):
        inputs, truth = divided(inputs, truth)
    found, features = aligned({"x": inputs}, ["x"], "data")
    return found | beside({"y": truth}, {"x": inputs}), {}, features


def beside(
    given: Mapping[str, Any], inputs: Mapping[str, Any], of_test: Sequence[str] = (), test_inputs: Sequence[str] = ()
) -> dict[str, NDArray[Any]]:
    """Truth, and what else is known of rows, as arrays in the order of the rows of their inputs.

    Args:
        given: by name.
        inputs: arrays, tensors or frames by name.
        of_test: names of what is known of test rows.
        test_inputs: names of the inputs of those.

    Raises:
        DataError: indexes of pandas that are of other rows, or values that are masked.
    """
    found = {}
    for name, each in given.items():
        rows = next((own for key, own in inputs.items() if (key in test_inputs) == (name in of_test)), None)
        found[name] = as_truth(in_order_of(rows, each, f"data: {name}"))
    return found


def divided(frame: Any, column: str) -> tuple[Any, Any]:
    """A frame without one of its columns, and that column.

    Raises:
        DataError: no frame, or it has no such column.
    """
    columns = columns_of(frame) if is_frame(frame) else []
    known = [str(each) for each in columns]
    if known.count(column) != 1:
        count = f"{known.count(column)} columns" if column in known else "no column"
        raise DataError(f"data have {count} {column!r} to learn; they have {', '.join(known) or 'no columns'}")
    place = known.index(column)
    name = columns[place]
    if not hasattr(type(frame), "to_numpy"):  # arrow, whose tables give up a column in ways of their own
        frame = frame.to_pandas()
    return frame.drop(columns=name) if hasattr(type(frame), "iloc") else frame.drop(name), frame[name]


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


def _is_array(given: object) -> bool:
    return isinstance(given, np.ndarray | torch.Tensor | list) or hasattr(given, "to_numpy") or is_frame(given)
