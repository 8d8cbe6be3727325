"""What a trained member takes, recorded with it, so that it can predict where the data set is not."""

from __future__ import annotations

from typing import Literal

import torch

from lrensemble.config import Inputs
from lrensemble.data import Dataset


def inputs_of(dataset: Dataset) -> Inputs:
    """Shape, type and normalisation of a data set's inputs."""
    dtype: Literal["uint8", "float32"] = "uint8" if dataset.inputs.dtype == torch.uint8 else "float32"
    return Inputs(shape=dataset.shape, dtype=dtype, mean=tuple(dataset.mean.tolist()), std=tuple(dataset.std.tolist()))
