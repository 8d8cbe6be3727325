"""Files of a member as bytes, checked against the task first."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from lrensemble.errors import PredictionsError
from lrensemble.metrics.base import check_probabilities
from lrensemble.pool.member import HISTORY, PREDICTIONS, WEIGHTS, MemberRecord
from lrensemble.pool.task import Task

if TYPE_CHECKING:
    import torch

LOG_ZERO = -1e4
"""Stored log-probability of a zero: finite in float16, and exp(LOG_ZERO) = 0 in float64."""

Predictions = Mapping[str, NDArray[np.floating]]
"""Log-probabilities [sample, class] by split."""
Weights = Mapping[str, "torch.Tensor"]
History = Iterable[Mapping[str, object]]
Precision = Literal["float32", "float16"]


def member_files(
    task: Task,
    record: MemberRecord,
    predictions: Predictions,
    *,
    weights: Weights | None,
    history: History | None,
    precision: Precision,
) -> dict[str, bytes]:
    """Content of the files beside `member.json`, by file name.

    Raises:
        PredictionsError: predictions missing, of another shape, with NaN, or not summing to one.
    """
    files = {}
    if arrays := _checked(task, record, predictions, np.dtype(precision)):
        files[PREDICTIONS] = save(arrays)
    if weights is not None:
        files[WEIGHTS] = _weights_file(weights)
    if history is not None:
        files[HISTORY] = "".join(json.dumps(_finite(line)) + "\n" for line in history).encode()
    return files


def _checked(
    task: Task, record: MemberRecord, predictions: Predictions, dtype: np.dtype[Any]
) -> dict[str, NDArray[Any]]:
    needed = task.splits if record.status == "finished" else {}
    if set(predictions) != set(needed):
        raise PredictionsError(
            f"member {record.name} ({record.status}) has predictions on {' and '.join(predictions) or 'nothing'}; "
            f"a finished member of this pool needs them on {' and '.join(task.splits)}, any other has none"
        )
    arrays = {}
    for name, split in needed.items():
        shape = (split.size, len(task.classes))
        if predictions[name].shape != shape:
            raise PredictionsError(
                f"member {record.name}: {name} predictions have shape {predictions[name].shape}; "
                f"the pool has {shape[0]} {name} rows and {shape[1]} classes, so give {shape}"
            )
        log_probs = np.maximum(predictions[name], LOG_ZERO, dtype=np.float64)
        source = f"member {record.name}, {name} predictions"
        with np.errstate(over="ignore"):  # logits in place of log-probabilities are told apart by their sum
            check_probabilities(np.exp(log_probs), source)
        arrays[name] = np.ascontiguousarray(log_probs, dtype=dtype)
        check_probabilities(np.exp(arrays[name].astype(np.float64)), f"{source} rounded to {dtype}")
    return arrays


def _weights_file(weights: Weights) -> bytes:
    import safetensors.torch

    # Copies, because safetensors refuses tensors that share memory, as tied weights do.
    copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}
    content: bytes = safetensors.torch.save(copies)
    return content


def _finite(line: Mapping[str, object]) -> dict[str, object]:
    """JSON has no NaN: the loss of a run that diverged becomes null."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in line.items()
    }
