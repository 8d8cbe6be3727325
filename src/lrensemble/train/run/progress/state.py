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
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import safetensors
import safetensors.torch
from pydantic import Field
from torch import Tensor

from lrensemble.config import Record
from lrensemble.files import storage_errors, write_whole
from lrensemble.text import from_json
from lrensemble.train.run.loop import Trainee
from lrensemble.train.run.progress.kept import KEPT, Kept

logger = logging.getLogger(__name__)

HistoryLine = dict[str, int | float | None]


class Stop(Record):
    """End of a run before its last step."""

    how: Literal["diverged", "learned_nothing", "pruned", "stopped"]
    """`stopped` where its score became no better; it has finished."""
    step: int
    """Steps done."""


class Progress(Record):
    """How far a run, or a group of runs, has come."""

    runs: tuple[str, ...] = Field(default=(), strict=False)
    """[member] ids, in the order of the stack; none where an earlier version saved one run."""
    step: int = 0
    """Steps done."""
    inherited: int = 0
    """Steps that the run it goes on from has done, and counts as its own."""
    loss_sums: tuple[float, ...] = Field(default=(0.0,), strict=False)
    """[member] sum over the steps of the epoch that is under way."""
    histories: tuple[tuple[HistoryLine, ...], ...] = Field(default=((),), strict=False)
    """[member]"""
    stops: tuple[Stop | None, ...] = Field(default=(), strict=False)
    """[member] of those that ended early; empty where nobody has."""
    stacked: tuple[int, ...] = Field(default=(), strict=False)
    """[place] members that are still trained, in the order of the stack; empty where all are."""
    seconds: float = 0.0
    """Wall-clock time so far of all members together, interruptions not counted."""
    threads: int = 1
    """Threads of the CPU that are computed on, from the first step to the last."""
    reproducible: bool = False
    """Whether it is computed `reproducibly`, from the first step to the last."""
    moments: tuple[tuple[float, ...], ...] = Field(default=(), strict=False)
    """`Moments.saved` of the steps so far."""


def first_progress(runs: tuple[str, ...], threads: int, *, reproducible: bool = False) -> Progress:
    """The progress of runs that begin."""
    count = len(runs)
    zeros, empty = (0.0,) * count, ((),) * count
    return Progress(runs=runs, loss_sums=zeros, histories=empty, threads=threads, reproducible=reproducible)


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


UNUSABLE = (safetensors.SafetensorError, ValueError, KeyError, TypeError)
"""What is raised for a file that is damaged or of another kind."""


def read_progress(path: Path) -> Progress:
    """How far a saved state has come; whether its tensors are whole is not looked at.

    Raises:
        StorageError: the file is there and cannot be read.
        UNUSABLE: it is damaged.
    """
    with storage_errors("read", path), safetensors.safe_open(path, "np") as file:
        return _progress_of(file.metadata()["progress"])


def stacked_in(path: Path) -> tuple[int, ...]:
    """Members that a saved state still trains; empty where these are all, or where there is no state to be read."""
    try:
        return read_progress(path).stacked if path.exists() else ()
    except UNUSABLE:
        return ()


def _read_state(path: Path) -> tuple[Progress, dict[str, Tensor]]:
    with storage_errors("read", path):
        data = path.read_bytes()
    # Cloned, so that every tensor is aligned as one that torch made.
    tensors = {name: tensor.clone() for name, tensor in safetensors.torch.load(data).items()}
    header = from_json(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata = header["__metadata__"]
    if metadata["checksum"] != _checksum(metadata["progress"], tensors):
        raise ValueError("damaged: its checksum is not that of its content")
    return _progress_of(metadata["progress"]), tensors


def _progress_of(text: str) -> Progress:
    """The progress in a state's metadata. Earlier versions had no member axis for one run, and told divergence apart
    from other stops.
    """
    values = from_json(text)
    if "history" in values:
        values |= {"histories": [values.pop("history")], "loss_sums": [values.pop("loss_sum")]}
    if any(diverged := values.pop("diverged", ())):
        values["stops"] = values.get("stops") or [None] * len(diverged)
        for member, lines in enumerate(values["histories"]):
            if diverged[member]:
                values["stops"][member] = {"how": "diverged", "step": lines[-1]["step"]}
    return Progress.model_validate_json(json.dumps(values))


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
