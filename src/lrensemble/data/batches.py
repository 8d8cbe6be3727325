"""Rows of a step: a pure function of (seed, step), so that training can be entered anywhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import DataError


def steps_per_epoch(rows: int, batch_size: int) -> int:
    """Number of batches in an epoch. All are full: the rows left over, other ones in every epoch, wait for the next.

    Raises:
        DataError: a batch is larger than the rows.
    """
    if batch_size > rows:
        raise DataError(f"train.batch_size = {batch_size} is above the {rows} training rows; make it smaller")
    return rows // batch_size


def batch_rows(rows: int, batch_size: int, seed: int, step: int) -> NDArray[np.int64]:
    """Positions [batch] among the `rows` training rows that a step sees; each at most once in an epoch.

    Raises:
        DataError: a batch is larger than the rows.
    """
    epoch, batch = divmod(step, steps_per_epoch(rows, batch_size))
    return epoch_order(rows, seed, epoch)[batch * batch_size : (batch + 1) * batch_size]


def epoch_order(rows: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order [rows] that an epoch goes through the training rows in; what is left over at its end is not used."""
    return np.random.default_rng((seed, epoch)).permutation(rows)
