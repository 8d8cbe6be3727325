"""How far a run, or a group of runs, has come: the record in a saved state, which is read without its tensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import safetensors
from pydantic import Field

from lrensemble.config import Record
from lrensemble.files import storage_errors
from lrensemble.text import from_json

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


UNUSABLE = (safetensors.SafetensorError, ValueError, KeyError, TypeError)
"""What is raised for a file that is damaged or of another kind."""


def read_progress(path: Path) -> Progress:
    """How far a saved state has come; whether its tensors are whole is not looked at.

    Raises:
        StorageError: the file is there and cannot be read.
        UNUSABLE: it is damaged.
    """
    with storage_errors("read", path), safetensors.safe_open(path, "np") as file:
        return progress_of(file.metadata()["progress"])


def stacked_in(path: Path) -> tuple[int, ...]:
    """Members that a saved state still trains; empty where these are all, or where there is no state to be read."""
    try:
        return read_progress(path).stacked if path.exists() else ()
    except UNUSABLE:
        return ()


def progress_of(text: str) -> Progress:
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
