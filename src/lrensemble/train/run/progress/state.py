"""A run, or a group of runs, on disk between two steps: one safetensors file, written whole, that proves itself.

```
model/<name>                parameters and buffers; of a group, stacked along a leading member axis
optimizer/<index>/<key>     tensors of the optimizer's state, by parameter; of a group `optimizer/<key>`
average/<name>              moving average of the weights, where there is one
scaler/<key>                scale of the loss in float16
kept/<member>/<name>        weights that a member ends with, where it goes on from others or has ended early
__metadata__                `progress`: JSON; `checksum`: SHA-256 of the file without it
```

There is no state of a random generator: batches and dropout are functions of (seed, step).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
from torch import Tensor

from lrensemble.files import storage_errors, write_whole
from lrensemble.text import from_json
from lrensemble.train.run.loop import Trainee
from lrensemble.train.run.progress.kept import KEPT, Kept
from lrensemble.train.run.progress.record import UNUSABLE, Progress, progress_of

logger = logging.getLogger(__name__)


def save_state(path: Path, progress: Progress, trainee: Trainee, kept: Kept | None = None) -> None:
    """Write a state as one file that proves itself, in the place of an earlier one.

    Raises:
        StorageError: the folder cannot be written, or the disk is full; the earlier state is still there.
    """
    tensors = trainee.state() | (kept.state() if kept else {})
    # Copies, because safetensors refuses tensors that share memory, as tied weights do.
    copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    text = progress.model_dump_json()
    write_whole(
        path, safetensors.torch.save(copies, {"progress": text, "checksum": _checksum(text, copies)}), make=False
    )


def restore_state(path: Path, trainee: Trainee, kept: Kept | None = None) -> Progress | None:
    """Bring a trainee, and what is kept beside it, to where it was; None, with a warning, where the state cannot be
    used.

    They are touched only if all of the state fits.

    Raises:
        StorageError: the file is there and cannot be read.
    """
    if not path.exists():
        return None
    try:
        progress, tensors = _read_state(path)
        beside = {name: tensors.pop(name) for name in list(tensors) if name.startswith(KEPT)}
        trainee.load(tensors)
        if kept is not None:
            kept.load(beside)
    except UNUSABLE as error:
        logger.warning("%s cannot be used (%s); training starts again from its first step", path, error)
        return None
    return progress


def _read_state(path: Path) -> tuple[Progress, dict[str, Tensor]]:
    with storage_errors("read", path):
        data = path.read_bytes()
    # Cloned, so that every tensor is aligned as one that torch made.
    tensors = {name: tensor.clone() for name, tensor in safetensors.torch.load(data).items()}
    header = from_json(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata = header["__metadata__"]
    if metadata["checksum"] != _checksum(metadata["progress"], tensors):
        raise ValueError("damaged: its checksum is not that of its content")
    return progress_of(metadata["progress"]), tensors


def by_kind(tensors: Mapping[str, Tensor], *kinds: str) -> dict[str, dict[str, Tensor]]:
    """Tensors named `<kind>/<name>`, by kind, then by name.

    Raises:
        KeyError: another kind.
    """
    parts: dict[str, dict[str, Tensor]] = {kind: {} for kind in kinds}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition("/")
        parts[kind][rest] = tensor
    return parts


def require_same(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Refuse tensors of other names, shapes or types than those that are there.

    Raises:
        ValueError: they differ.
    """
    sides = [{name: (each.shape, each.dtype) for name, each in side.items()} for side in (found, expected)]
    if sides[0] != sides[1]:
        raise ValueError("its weights are those of another model, or its optimizer is another one")


def _checksum(progress: str, tensors: Mapping[str, Tensor]) -> str:
    return hashlib.sha256(safetensors.torch.save(dict(tensors), {"progress": progress})).hexdigest()
