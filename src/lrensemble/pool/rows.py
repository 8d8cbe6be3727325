"""Truth of a pool's rows and their attributes in `labels.safetensors`, and the names that they have in `ids.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from lrensemble.config import Record
from lrensemble.errors import PredictionsError
from lrensemble.files import seal, write_whole
from lrensemble.pool.sealed import damaged, map_arrays, unseal
from lrensemble.pool.task import Task, fingerprint, fingerprint_of_ids

BySplit = Mapping[str, NDArray[Any]]
Ids = Mapping[str, Sequence[str]]

LABELS, IDS = "labels.safetensors", "ids.json"

TYPES = {"groups": np.int64, "weights": np.float64, "choices": np.int64}
"""Types of row attributes; that of the truth is the target's."""


class _Ids(Record):
    ids: dict[str, list[str]]


def check_rows(task: Task, ids: Ids, **given: BySplit) -> None:
    """Refuse labels, ids and other attributes of rows that differ from the fingerprints of the task.

    Raises:
        PredictionsError: what differs; or labels outside the classes.
    """
    for name, split in task.splits.items():
        task.target.check_truth(given["labels"][name], split.size)
        found = {what: fingerprint(arrays[name]) for what, arrays in given.items() if name in arrays}
        if name in ids:
            found["ids"] = fingerprint_of_ids(ids[name])
        for what in (*given, "ids"):
            if found.get(what) != getattr(split, what):
                raise PredictionsError(f"the {name} {what} are not those that the task was made of")


def are_written(folder: Path, ids: Ids) -> bool:
    """Whether a pool's folder has the files that these rows are kept in."""
    return (folder / LABELS).exists() and (not ids or (folder / IDS).exists())


def write_rows(folder: Path, task: Task, ids: Ids, *, anew: bool, **given: BySplit) -> None:
    """Write ids and arrays of the task's splits: `anew`, or beside those that the files have.

    Raises:
        StorageError: they cannot be written.
        PoolError: what the files hold is damaged.
    """
    arrays = {}
    if not anew and (folder / LABELS).exists():  # copied, and mapped no more: some systems replace no file that is
        arrays = {name: np.array(array) for name, array in map_arrays(folder / LABELS).items()}
    for what, of_splits in given.items():
        for split in task.splits:
            if split in of_splits:
                arrays[_array_name(split, what)] = np.ascontiguousarray(of_splits[split], dtype=_type(task, what))
    write_whole(folder / LABELS, save(arrays))
    if ids:
        before = unseal(_Ids, folder / IDS).ids if not anew and (folder / IDS).exists() else {}
        write_whole(folder / IDS, seal({"ids": {**before, **{split: list(names) for split, names in ids.items()}}}))


def read_rows(folder: Path, task: Task, split: str, what: str) -> NDArray[Any] | None:
    """Truth [sample] or [sample, output] of a split, or an attribute [sample]; None where the rows have no such.

    Raises:
        PoolError: it is missing, damaged or not that of the task.
    """
    if (known := getattr(task.splits[split], what)) is None:
        return None
    path = folder / LABELS
    if not path.exists():
        raise damaged(path, "it is missing")
    found = map_arrays(path).get(_array_name(split, what))
    if found is None or found.dtype != _type(task, what) or fingerprint(found) != known:
        raise damaged(path, f"its {split} {what} are not those that pool.json was made with")
    return np.array(found)


def read_ids(folder: Path, task: Task, split: str) -> tuple[str, ...] | None:
    """Names of the rows of a split; None where they have none.

    Raises:
        PoolError: they are missing, damaged or not those of the task.
    """
    if (known := task.splits[split].ids) is None:
        return None
    path = folder / IDS
    if not path.exists():
        raise damaged(path, "it is missing")
    found = unseal(_Ids, path).ids.get(split, [])
    if fingerprint_of_ids(found) != known:
        raise damaged(path, f"its {split} ids are not those that pool.json was made with")
    return tuple(found)


def _type(task: Task, what: str) -> type:
    return task.target.truth_type if what == "labels" else TYPES[what]


def _array_name(split: str, what: str) -> str:
    """Name of an array in the file; that of the truth is the split's."""
    if what == "labels":
        return split
    return f"{split}/{what}" if ":" in split else f"{split}_{what}"
