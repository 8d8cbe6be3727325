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
from lrensemble.pool.member import ADAPTER, ADAPTER_CONFIG, HISTORY, PART, PREDICTIONS, WEIGHTS, MemberRecord
from lrensemble.pool.task import Task
from lrensemble.targets import LOG_ZERO, Labels, LogProbs, Predictions, TopK
from lrensemble.targets.forms import smallest_integers

if TYPE_CHECKING:
    import torch

BySplit = Mapping[str, Predictions | NDArray[Any]]
"""Predictions of one member by split; a plain array is what networks give (`Target.from_array`)."""
BLOCK = 4096
"""Rows that are converted at once."""

Weights = Mapping[str, "torch.Tensor"]
History = Iterable[Mapping[str, object]]
Precision = Literal["float32", "float16"]


def member_files(
    task: Task,
    record: MemberRecord,
    predictions: BySplit,
    *,
    weights: Weights | None,
    history: History | None,
    network: bytes | None,
    precision: Precision,
) -> dict[str, bytes]:
    """Content of the files beside `member.json`, by file name.

    Raises:
        PredictionsError: predictions missing, of another shape, with NaN, or not summing to one.
    """
    files = {}
    if arrays := _checked(task, record, predictions, np.dtype(precision)):
        files[PREDICTIONS] = save(arrays)
    if weights is not None and record.adapter is not None:
        files |= {ADAPTER: _weights_file(weights), ADAPTER_CONFIG: json.dumps(record.adapter, indent=2).encode()}
    elif weights is not None:
        files[WEIGHTS] = _weights_file(weights)
    if network is not None and record.network is not None and record.network.file is not None:
        files[record.network.file] = network
    if history is not None:
        files[HISTORY] = "".join(json.dumps(_finite(line)) + "\n" for line in history).encode()
    return files


def _checked(task: Task, record: MemberRecord, predictions: BySplit, dtype: np.dtype[Any]) -> dict[str, NDArray[Any]]:
    needed = task.splits if record.status == "finished" else {}
    if set(predictions) != set(needed):
        raise PredictionsError(
            f"member {record.name} ({record.status}) has predictions on {' and '.join(predictions) or 'nothing'}; "
            f"a finished member of this pool needs them on {' and '.join(task.splits)}, any other has none"
        )
    arrays: dict[str, NDArray[Any]] = {}
    for name, split in needed.items():
        given = predictions[name]
        found = given if isinstance(given, Predictions) else task.target.from_array(given)
        if found.form != record.form:
            raise PredictionsError(
                f"member {record.name} is of the form {record.form}; its {name} ones are {found.form}"
            )
        source = f"member {record.name}: {name} predictions"
        task.target.check(found, split.size, source)
        stored = _as_stored(found, task.target.width, dtype)
        if stored.main.dtype != found.main.dtype:
            task.target.check(stored, split.size, f"{source} rounded to {dtype}")
        for part, array in stored.parts.items():  # laid out whole: of a view, safetensors writes the memory as it lies
            arrays[PART.join(filter(None, (name, part)))] = np.ascontiguousarray(array)
    return arrays


def _as_stored(found: Predictions, width: int, dtype: np.dtype[Any]) -> Predictions:
    """Predictions in the types that they are stored in: whole numbers in the smallest, others as they are or asked."""
    if isinstance(found, Labels):
        return Labels(smallest_integers(found.main, width))
    if isinstance(found, TopK):
        return TopK(smallest_integers(found.main, width), found.probs)
    if not isinstance(found, LogProbs):
        return found
    log_probs = np.empty(found.main.shape, dtype)
    for start in range(0, len(log_probs), BLOCK):  # some rows at a time: no second copy in float64
        block = found.main[start : start + BLOCK]
        log_probs[start : start + BLOCK] = np.maximum(block, LOG_ZERO, dtype=np.float64)
    return LogProbs(log_probs)


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
