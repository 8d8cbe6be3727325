"""A column that says for each row whether it is one to choose or to test on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.pool.collect.names import BySplit
from lrensemble.pool.collect.reading.held import Arrays, Held
from lrensemble.pool.collect.reading.roles import role_of


def divided(arrays: Arrays, split_of_row: NDArray[Any]) -> BySplit:
    """Rows by the split that a column says of each."""
    found: BySplit = {}
    members = "names" in arrays
    of_all = ("classes", "outputs", "names")
    for split, words in (("val", ("val", "valid", "validation", "dev", "oof", "eval")), ("test", ("test", "testing"))):
        rows = np.isin(np.char.lower(split_of_row.astype(str)), words)
        if rows.any():
            found[split] = {
                name: array[:, rows] if members and name not in ("labels", "ids", "groups", "weights") else array[rows]
                for name, array in arrays.items()
                if name not in of_all
            }
    found.setdefault("val", {}).update({name: arrays[name] for name in of_all if name in arrays})
    return found


def split_column(held: Held) -> str | None:
    """The column that says for each row whether it is one to choose or to test on."""
    words = {"val", "valid", "validation", "dev", "oof", "eval", "test", "testing", "train"}
    for name, column in held.arrays.items():
        if role_of(name) == "split" and column.dtype.kind == "U":
            values = {value.lower() for value in np.unique(column).tolist()}
            if values <= words and len(values) > 1:
                return name
    return None
