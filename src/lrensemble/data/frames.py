"""Frames: tables in memory, of pandas, polars or arrow, whose columns have names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import DataError

NAMED = 5
"""Columns that an error names at most."""


def is_frame(given: object) -> bool:
    """Whether it is a table with columns, and no array, tensor or single column."""
    kind = type(given)  # an object of pandas has its columns as attributes, whatever they are called
    return any(hasattr(kind, columns) for columns in ("columns", "column_names")) and any(
        hasattr(kind, as_other) for as_other in ("to_numpy", "to_pandas")
    )


def names_of(frame: Any) -> tuple[str, ...] | None:
    """Names of the columns of a frame in their order; None where not all of them are texts, or one is there twice.

    Columns that are numbered have no names: a frame that was made of an array has such.
    """
    names = columns_of(frame)
    texts = tuple(name for name in names if isinstance(name, str))
    return texts if len(set(texts)) == len(names) else None


def columns_of(frame: Any) -> list[Any]:
    """What the columns of a frame are called, in their order: texts, or numbers or whatever pandas takes."""
    kind = type(frame)  # what arrow calls its columns are their contents
    return list(frame.columns if hasattr(kind, "columns") and hasattr(kind, "to_numpy") else frame.column_names)


def numbers_in(frame: Any, names: Sequence[str] | None, source: str) -> NDArray[Any]:
    """Columns of a frame as numbers [row, column]: those of some names in their order, or all where None.

    Raises:
        DataError: a column is missing or there twice, or holds something else than numbers.
    """
    known = columns_of(frame)
    if names is None:
        names = names_of(frame)
    elif any(isinstance(each, str) for each in known):
        counts = Counter(known)
        if wrong := [name for name in names if counts[name] != 1]:
            has = f"two columns {wrong[0]!r}" if wrong[0] in counts else f"no column {wrong[0]!r}, of {listed(known)}"
            raise DataError(f"{source} has {has}; give a frame with {listed(names)}, by these names and in any order")
    else:  # columns that are numbered go by their order
        names = None
    if names is None:
        return np.asarray(frame)
    columns = [np.asarray(frame[name]) for name in names]
    for place, column in enumerate(columns):
        if column.dtype.kind == "O":  # of pandas where truth values, or numbers of its own types, stand in a column
            columns[place] = column = _unboxed(column)
        if column.dtype.kind not in "buif":
            raise DataError(
                f"{source}: column {names[place]!r} holds {column.dtype}, no numbers; encode it as numbers, or leave "
                "it out"
            )
    return np.column_stack(columns) if columns else np.empty((len(frame), 0))


def _unboxed(column: NDArray[Any]) -> NDArray[Any]:
    """Numbers of a column of objects, NaN where one is missing; the column itself where others are in it."""
    if not all(
        each is None or isinstance(each, bool | int | float | np.number) or _is_missing(each) for each in column
    ):
        return column
    return np.array([np.nan if each is None or _is_missing(each) else each for each in column])


def _is_missing(value: object) -> bool:
    """Whether it is the missing value of pandas, which equals nothing, itself neither."""
    return type(value).__name__ == "NAType"


def listed(names: Sequence[str]) -> str:
    """Names of columns as an error gives them, the first few."""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return (", ".join(map(repr, names[:NAMED])) or "none") + more
