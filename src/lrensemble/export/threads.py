"""Threads that predict: one where networks are so small that several would wait for one another. It needs no torch."""

from __future__ import annotations

from lrensemble.train.run.arithmetic.work import threads_pay

ROWS_AT_ONCE = 8
"""Rows of a batch that threads are counted for: requests are small, and come in small numbers at a time."""


def needs_threads(operations: int) -> bool:
    """Whether a batch of `ROWS_AT_ONCE` rows of so many operations a row is work for more than one thread."""
    return threads_pay(ROWS_AT_ONCE * operations)
