"""The exercises that come with scikit-learn: three outputs, no download."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lrensemble.data.packaged import Table, packaged_table
from lrensemble.data.source import SOURCES, Samples
from lrensemble.targets import Values


@SOURCES.register()
def linnerud(folder: Path | None) -> Samples:  # noqa: ARG001 – every source takes a folder
    """20 men in a fitness club: chin-ups, sit-ups and jumps; their weight, waist and pulse (Tenenhaus 1998, table 1).

    Three numbers for each row, so few rows that it shows how things work and nothing else. Comes with scikit-learn.
    """
    inputs = packaged_table("linnerud_exercise.csv", _asked_inputs, header=1).astype(np.float32)
    truth = packaged_table("linnerud_physiological.csv", _asked_truth, header=1)
    return Samples(inputs, truth, Values(names=("weight", "waist", "pulse")))


def _asked_inputs() -> Table:
    from sklearn.datasets import load_linnerud

    return np.asarray(load_linnerud(return_X_y=True)[0])


def _asked_truth() -> Table:
    from sklearn.datasets import load_linnerud

    return np.asarray(load_linnerud(return_X_y=True)[1])
