"""Predictions of all members of a pool in one array, for tests to look at."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.pool import Pool


def stacked(pool: Pool, split: str) -> NDArray[Any]:
    """[member, sample, column] what members say, in the order of the pool."""
    said = [member.predictions(split).dense(pool.task.target.width) for member in pool.members()]
    return np.stack(said) if said else np.empty((0, pool.task.splits[split].size, pool.task.target.width))
