"""Indexes of pandas, which say which row is which: what is known of rows is put in the order of their inputs."""

from __future__ import annotations

from typing import Any

from lrensemble.errors import DataError
from lrensemble.rows import index_of, orders_of, shown_index


def in_order_of(inputs: Any, given: Any, source: str) -> Any:
    """What is known of rows, in the order of the rows of their inputs (`rows.orders_of`).

    Args:
        inputs: rows in any form; those of pandas have an index.
        given: a truth, or weights, likewise.
        source: what the latter are called in errors.

    Raises:
        DataError: indexes of other rows, or an order that may be meant both ways.
    """
    orders = orders_of(inputs, given)
    if orders == "as they are":
        return given
    if orders == "by index":
        return given.reindex(index_of(inputs))
    what, instead = "other rows", "give those of the same rows"
    if orders == "unclear":
        what, instead = "the same rows in another order", "put it in their order, y.loc[x.index]"
    raise DataError(
        f"{source} has by its index {what} ({shown_index(given)}) than the inputs ({shown_index(inputs)}); {instead}, "
        "or give an array, y.to_numpy(), which goes by place"
    )
