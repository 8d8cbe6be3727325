"""The diabetes study that comes with scikit-learn: no download."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lrensemble.data.packaged import Table, packaged_table
from lrensemble.data.source import SOURCES, Samples
from lrensemble.targets import Values


@SOURCES.register()
def diabetes(folder: Path | None) -> Samples:  # noqa: ARG001 – every source takes a folder
    """442 patients, 10 measurements, and how far their diabetes has gone a year later: one number (Efron et al. 2004).

    Comes with scikit-learn, no download; measurements are in their own units.
    """
    inputs = packaged_table("diabetes_data_raw.csv.gz", _asked_inputs).astype(np.float32)
    truth = packaged_table("diabetes_target.csv.gz", _asked_truth)
    return Samples(inputs, truth, Values(names=("progression",)))


def _asked_inputs() -> Table:
    from sklearn.datasets import load_diabetes

    return np.asarray(load_diabetes(scaled=False, return_X_y=True)[0])


def _asked_truth() -> Table:
    from sklearn.datasets import load_diabetes

    return np.asarray(load_diabetes(return_X_y=True)[1])[:, None]
