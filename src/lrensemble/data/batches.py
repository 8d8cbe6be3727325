"""Rows of a step: a pure function of (seed, step), so that training can be entered anywhere."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lrensemble.config import TrainSettings
from lrensemble.data.samplers import Sampler, TrainingRows, shuffle
from lrensemble.errors import DataError


def steps_per_epoch(rows: int, batch_size: int, *, drop_last: bool = True) -> int:
    """Number of batches in an epoch.

    With `drop_last` all are full: the rows left over, other ones in every epoch, wait for the next. Without, they make
    a smaller last batch.

    Raises:
        DataError: a batch is larger than the rows, and none would be full.
    """
    if not drop_last:
        return math.ceil(rows / batch_size)
    if batch_size > rows:
        raise DataError(f"train.batch_size = {batch_size} is above the {rows} training rows; make it smaller")
    return rows // batch_size


def rows_seen(rows: int, settings: TrainSettings, steps: range) -> int:
    """Number of rows in the batches of some steps that follow one another.

    Args:
        rows: training rows.
        settings: batch size, and whether the last batch of an epoch is dropped where it is not full.
        steps: the steps.
    """
    size, epoch_steps = settings.batch_size, steps_per_epoch(rows, settings.batch_size, drop_last=settings.drop_last)
    per_epoch = min(rows, epoch_steps * size)
    first, end = (step // epoch_steps * per_epoch + step % epoch_steps * size for step in (steps.start, steps.stop))
    return end - first


def batch_rows(rows: int, batch_size: int, seed: int, step: int, *, drop_last: bool = True) -> NDArray[np.int64]:
    """Positions [batch] among the `rows` training rows that a step sees; each at most once in an epoch.

    Raises:
        DataError: a batch is larger than the rows.
    """
    epoch, batch = divmod(step, steps_per_epoch(rows, batch_size, drop_last=drop_last))
    return epoch_order(shuffle(TrainingRows(rows)), seed, epoch)[batch * batch_size : (batch + 1) * batch_size]


def epoch_order(sampler: Sampler, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order [rows] that an epoch goes through the training rows in; what is left over at its end is not used."""
    return sampler(np.random.default_rng((seed, epoch)))
