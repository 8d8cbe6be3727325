"""Columns of a table as the features of an ensemble: by the names that they had in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.config import Inputs
from lrensemble.data.frames import listed
from lrensemble.errors import DataError

IMAGE_COLUMNS = ("image", "img")


def are_numbers(names: Sequence[str]) -> bool:
    """Whether what stands where names of columns do is a row of numbers, as `numpy.savetxt` writes no names.

    0, 1, 2, … and 1, 2, 3, … are names: those of a frame that was made of an array.
    """
    counted = [[str(first + place) for place in range(len(names))] for first in (0, 1)]
    try:
        return bool([float(name) for name in names]) and list(names) not in counted
    except ValueError:
        return False


def require_features(features: Sequence[str], held: Sequence[str], source: str) -> None:
    """Refuse columns among which some feature is not there, or there twice.

    Raises:
        DataError: the features and the columns are named.
    """
    if wrong := [name for name in features if held.count(name) != 1]:
        known = f"the ensemble takes {listed(features)}, by these names and in any order"
        what = "twice or more" if wrong[0] in held else "not at all"
        raise DataError(f"{source} has column {wrong[0]!r} {what}, of {listed(held)}; {known}")


def numbers_of(batch: Any, inputs: Inputs, source: str) -> list[NDArray[np.float64]]:
    """Columns of numbers [row], one for each feature, of a batch of pyarrow; NaN where a cell is empty.

    Args:
        batch: record batch.
        inputs: what the ensemble takes.
        source: where the table is, for errors.

    Raises:
        DataError: a feature is missing or no number; where they have no names, another number of columns of numbers.
    """
    import pyarrow as pa
    from pyarrow import types

    kinds = [types.is_integer, types.is_floating]
    if inputs.features is not None:  # as training reads a table
        kinds += [types.is_boolean, types.is_decimal]
        require_features(inputs.features, batch.schema.names, source)
    numbers = [field.name for field in batch.schema if any(is_kind(field.type) for is_kind in kinds)]
    wanted = numbers if inputs.features is None else inputs.features
    if others := [name for name in wanted if name not in numbers]:
        held = batch.schema.field(others[0]).type
        raise DataError(f"{source}: column {others[0]!r} holds {held}, no numbers; encode it as in training")
    if (len(wanted),) != inputs.shape:
        raise DataError(
            f"{source} has {len(numbers)} columns of numbers and no column {' or '.join(IMAGE_COLUMNS)}; the ensemble "
            f"takes inputs of shape {inputs.shape}"
        )
    columns = [batch.column(name).cast(pa.float64(), safe=False) for name in wanted]
    return [column.to_numpy(zero_copy_only=False) for column in columns]
