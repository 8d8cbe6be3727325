"""Predictions without a truth, read as those of a target that is known: for what a team is applied to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.pool.collect.names import OF_ALL, BySplit
from lrensemble.pool.collect.reading.columns import arrange_table, row_ids
from lrensemble.pool.collect.reading.held import Arrays, Asked, Held
from lrensemble.pool.collect.reading.layout import arrange_arrays
from lrensemble.pool.collect.reading.roles import half_of, role_of
from lrensemble.targets import AnyTarget


def unlabelled(held: Held, asked: Asked, target: AnyTarget) -> BySplit:
    """A file's arrays, all of them of the rows to predict; the truth in them stands for one, and means nothing.

    Args:
        held: what a file holds.
        asked: how to read it.
        target: what the truth would be.

    Raises:
        PredictionsError: what is unclear.
    """
    if held.table:
        known: Arrays = {}
        row_ids(asked, known, dict(held.arrays))
        rows = len(next(iter(held.arrays.values())))
        return arrange_table(held, asked, {**known, "labels": stand_in(target, rows, known.get("ids"))})
    arrays = {name: array for name, array in held.arrays.items() if role_of(name) != "labels"}
    halves = {half_of(name)[0] for name in arrays}
    if "test" in halves and "val" in halves:  # the rows that the team was chosen on are not asked about
        arrays = {name: array for name, array in arrays.items() if half_of(name)[0] == "test"}
    arrays = {half_of(name)[1] or "predictions": array for name, array in arrays.items()}
    named = [array for name, array in arrays.items() if asked.id in (None, name) and _names_rows(name, array, asked)]
    labels = stand_in(target, _rows(arrays, target), named[0] if named else None)
    found = arrange_arrays(replace(held, arrays=arrays), asked, {"val": {"labels": labels}})
    return {"val": found["val"]}


def stand_in(target: AnyTarget, rows: int, ids: NDArray[Any] | None = None) -> NDArray[Any]:
    """A truth of a target that every class occurs in, if there are rows enough; that of a row goes by its id."""
    place = np.arange(rows)
    if ids is not None and ids.shape == (rows,):
        place[np.argsort(ids.astype(str), kind="stable")] = np.arange(rows)
    if not target.has_labels:
        return (place + 0.5)[:, None].repeat(target.width, axis=1).squeeze()
    names = np.array(target.names)[place % target.width]
    return names.astype(np.int64) if all(name.isdigit() for name in target.names) else names


def _names_rows(name: str, array: NDArray[Any], asked: Asked) -> bool:
    return array.ndim == 1 and (name == asked.id or role_of(name) == "ids")


def _rows(arrays: Arrays, target: AnyTarget) -> int:
    """Number of rows of arrays of predictions."""
    named = [array for name, array in arrays.items() if role_of(name) == "ids" and array.ndim == 1]
    said = [array for name, array in arrays.items() if array.ndim and role_of(name) not in OF_ALL]
    wide = [array.shape[-2] for array in said if array.ndim > 1 and array.shape[-1] == target.width]
    return len(named[0]) if named else wide[0] if wide else max((array.shape[-1] for array in said), default=0)
