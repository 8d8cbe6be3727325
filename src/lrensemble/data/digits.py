"""The digits that come with scikit-learn: no download."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lrensemble.data.source import SOURCES, Samples


@SOURCES.register()
def digits(folder: Path | None) -> Samples:  # noqa: ARG001 – every source takes a folder
    """1,797 handwritten digits, 8x8 grey, 10 classes (Alpaydin & Kaynak 1998); come with scikit-learn, no download."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    inputs = pixels.reshape(-1, 1, 8, 8).astype(np.uint8)  # counts from 0 to 16
    return Samples(inputs, labels.astype(np.int64), tuple(str(digit) for digit in range(10)))
