"""Row identity: rows are the same by their `ids`, in whatever order a file has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PoolError, PredictionsError

Indices = NDArray[np.int64]
Ids = tuple[str, ...]


def as_ids(given: NDArray[Any], rows: int, where: str) -> Ids:
    """Names of rows as text: 17 and "17" are the same row.

    Raises:
        PredictionsError: not one for each row, neither integers nor strings, or one name twice.
    """
    if given.shape != (rows,) or given.dtype.kind not in "iuU":
        raise PredictionsError(
            f"{where} are {given.dtype} of shape {given.shape}; give an integer or a string for each of {rows} rows"
        )
    ids = tuple(map(str, given.tolist()))
    if len(set(ids)) < rows:
        first: dict[str, int] = {}
        row = next(row for row, name in enumerate(ids) if first.setdefault(name, row) != row)
        raise PredictionsError(
            f"{where}: rows {first[ids[row]]} and {row} are both called {ids[row]!r}; give each row an id of its own"
        )
    return ids


def order_of(ids: Sequence[str], wanted: Sequence[str], where: str, other: str) -> Indices:
    """Places among ids of those that are wanted, all of which must be there, and no others.

    Args:
        ids: names of a file's rows.
        wanted: names of the rows that it must have, in their order.
        where: the file, for messages.
        other: what has the wanted ones, for messages.

    Raises:
        PoolError: how many rows are missing, or too many, and the first of them.
    """
    if tuple(ids) == tuple(wanted):
        return np.arange(len(ids))
    place = {name: row for row, name in enumerate(ids)}
    missing, more = [name for name in wanted if name not in place], len(ids) - len(wanted)
    if missing:
        raise PoolError(
            f"{where}: {len(missing)} of {len(wanted)} rows of {other} are missing, the first {missing[0]!r}"
        )
    if more:
        known = set(wanted)
        first = next(name for name in ids if name not in known)
        raise PoolError(f"{where}: {more} of {len(ids)} rows are not among those of {other}, the first {first!r}")
    return np.array([place[name] for name in wanted], dtype=np.int64)
