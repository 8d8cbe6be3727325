"""Indexes of pandas, which say which row is which: what is known of rows is put in the order of their inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from lrensemble.errors import DataError


def in_order_of(inputs: Any, given: Any, source: str) -> Any:
    """What is known of rows, in the order of the rows of their inputs.

    An index that counts from zero is what pandas gives rows that nobody named: beside names of rows it says nothing,
    and they go by place. Beside the same numbers in another order it may say either, and that is refused.

    Args:
        inputs: rows in any form; those of pandas have an index.
        given: a truth, or weights, likewise.
        source: what the latter are called in errors.

    Raises:
        DataError: indexes of other rows, or an order that may be meant both ways.
    """
    ours, theirs = _index_of(inputs), _index_of(given)
    if ours is None or theirs is None or len(ours) != len(theirs) or ours.equals(theirs):
        return given
    same = ours.is_unique and theirs.is_unique and bool(theirs.isin(ours).all())
    counted = any(np.array_equal(np.asarray(each), np.arange(len(each))) for each in (ours, theirs))
    if same and not counted:
        return given.reindex(ours)
    if counted and not same:
        return given
    what = "the same rows in another order" if same else "other rows"
    raise DataError(
        f"{source} has by its index {what} ({_shown(theirs)}) than the inputs ({_shown(ours)}); put it in their order, "
        "y.loc[x.index], or give an array, y.to_numpy(), which goes by place"
    )


def _index_of(given: Any) -> Any:
    """The index of a frame or a column of pandas; None of anything else, or where a row has several names."""
    index = getattr(given, "index", None) if hasattr(type(given), "iloc") else None
    return index if index is not None and index.nlevels == 1 else None


def _shown(index: Any) -> str:
    return ", ".join(map(str, index[:3])) + (", …" if len(index) > 3 else "")
