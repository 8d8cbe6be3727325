"""A data set as arrays that processes of one machine can share, and back: tensors are views of them, never copies."""

from __future__ import annotations

import warnings
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from lrensemble.data.dataset import Dataset

Views = dict[str, Any]
"""Fields of a data set, with arrays in place of tensors."""


def views_of(dataset: Dataset) -> Views:
    """Fields of a data set on the CPU, with arrays in place of tensors; both are the same memory."""
    found: Views = {field.name: _array(getattr(dataset, field.name)) for field in fields(dataset)}
    return found | {"rows": {split: _array(rows) for split, rows in dataset.rows.items()}}


def dataset_of(views: Views) -> Dataset:
    """Data set on the CPU of such fields; where their arrays are read-only, so is what it is made of."""
    plain = ("weights",)  # an array in a data set too
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch knows no tensor that must not be written to; none is
        given = {name: each if name in plain else _tensor(each) for name, each in views.items()}
        return Dataset(**given | {"rows": {split: _tensor(rows) for split, rows in views["rows"].items()}})


def _array(value: Any) -> Any:
    return value.numpy() if isinstance(value, Tensor) else value


def _tensor(value: Any) -> Any:
    return torch.from_numpy(value) if hasattr(value, "__array_interface__") else value
