"""Indexes of objects in memory: rows that may go by place, and may go by them as well."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from lrensemble.errors import PredictionsError
from lrensemble.pool.collect.reading.roles import role_of, words_of
from lrensemble.rows import index_of, orders_of, shown_index


def require_clear_orders(given: Any, truth: Any) -> None:
    """Refuse objects of pandas whose indexes name the same rows in another order, and say no more than that.

    Args:
        given: objects, alone, in a list or by name; paths have no index.
        truth: of all of them, or None.

    Raises:
        PredictionsError: both are named.
    """
    several = isinstance(given, list | tuple)
    objects = dict(given) if isinstance(given, Mapping) else dict(enumerate(given if several else [given]))
    for (one, first), (other, second) in itertools.combinations({**objects, "truth": truth}.items(), 2):
        orders = orders_of(first, second)
        unread = orders == "by index" and index_of(first).dtype.kind == "f"  # which are no names of rows
        if (orders == "unclear" or unread) and not (_names_rows(first) and _names_rows(second)):
            raise PredictionsError(
                f"{one} and {other} have by their index the same rows in another order ({shown_index(first)} and "
                f"{shown_index(second)}); put one in the order of the other, .loc[other.index], or give arrays, "
                ".to_numpy(), which go by place"
            )


def _names_rows(given: Any) -> bool:
    """Whether a frame has a column of names of its rows."""
    names = map(str, getattr(given, "columns", ()))
    return any(role_of(name) == "ids" or words_of(name)[-1:] == ["id"] for name in names)
