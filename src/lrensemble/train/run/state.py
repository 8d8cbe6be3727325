"""A run on disk between two steps: one safetensors file, written whole, that proves itself.

```
model/<name>                parameters and buffers
optimizer/<index>/<key>     tensors of the optimizer's state, by parameter
average/<name>              moving average of the weights, where there is one
scaler/<key>                scale of the loss in float16
__metadata__                `progress`: JSON; `checksum`: SHA-256 of the file without it
```

There is no state of a random generator: batches and dropout are functions of (seed, step).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import safetensors
import safetensors.torch
from pydantic import Field
from torch import Tensor

from lrensemble.config import Record
from lrensemble.files import storage_errors, write_whole
from lrensemble.text import from_json
from lrensemble.train.run.learner import Learner

logger = logging.getLogger(__name__)

P = TypeVar("P", bound=Record)
HistoryLine = dict[str, int | float | None]


class Progress(Record):
    """How far a run has come."""

    step: int = 0
    """Steps done."""
    inherited: int = 0
    """Of them, those that the run it goes on from has done and counts as its own."""
    loss_sum: float = 0.0
    """Of the steps of the epoch that is under way."""
    history: tuple[HistoryLine, ...] = Field(default=(), strict=False)
    seconds: float = 0.0
    """Wall-clock time so far, interruptions not counted."""
    threads: int = 1
    """Threads of the CPU that it computes on, from the first step to the last."""
    moments: tuple[tuple[float, ...], ...] = Field(default=(), strict=False)
    """`Moments.saved` of the steps so far."""


def save_state(path: Path, progress: Progress, learner: Learner) -> None:
    """Write the state of a run, in the place of an earlier one.

    Raises:
        StorageError: the folder cannot be written, or the disk is full; the earlier state is still there.
    """
    write_state(path, progress, learner.state())


def write_state(path: Path, progress: Record, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors and how far they have come as one file that proves itself, in the place of an earlier one.

    Raises:
        StorageError: the folder cannot be written, or the disk is full; the earlier file is still there.
    """
    # Copies, because safetensors refuses tensors that share memory, as tied weights do.
    copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    text = progress.model_dump_json()
    write_whole(
        path, safetensors.torch.save(copies, {"progress": text, "checksum": _checksum(text, copies)}), make=False
    )


def restore_state(path: Path, learner: Learner) -> Progress | None:
    """Bring a learner to where a run was; None, with a warning, where the state cannot be used.

    It is touched only if all of the state fits it.

    Raises:
        StorageError: the file is there and cannot be read.
    """
    if not path.exists():
        return None
    try:
        progress, tensors = read_state(path, Progress)
        learner.load(tensors)
    except UNUSABLE as error:
        logger.warning("%s cannot be used (%s); the run starts again from its first step", path, error)
        return None
    return progress


UNUSABLE = (safetensors.SafetensorError, ValueError, KeyError, TypeError)
"""What `read_state` raises for a file that is damaged or of another kind."""


def read_progress(path: Path, kind: type[P]) -> P:
    """Of what `write_state` wrote, only how far it has come; whether the tensors are whole is not looked at.

    Raises:
        StorageError: the file is there and cannot be read.
        UNUSABLE: it is damaged.
    """
    with storage_errors("read", path), safetensors.safe_open(path, "np") as file:
        return kind.model_validate_json(file.metadata()["progress"])


def read_state(path: Path, kind: type[P]) -> tuple[P, dict[str, Tensor]]:
    """What `write_state` wrote.

    Raises:
        StorageError: the file is there and cannot be read.
        UNUSABLE: it is damaged.
    """
    with storage_errors("read", path):
        data = path.read_bytes()
    # Cloned, so that every tensor is aligned as one that torch made.
    tensors = {name: tensor.clone() for name, tensor in safetensors.torch.load(data).items()}
    header = from_json(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata = header["__metadata__"]
    if metadata["checksum"] != _checksum(metadata["progress"], tensors):
        raise ValueError("damaged: its checksum is not that of its content")
    return kind.model_validate_json(metadata["progress"]), tensors


def _checksum(progress: str, tensors: Mapping[str, Tensor]) -> str:
    return hashlib.sha256(safetensors.torch.save(dict(tensors), {"progress": progress})).hexdigest()
