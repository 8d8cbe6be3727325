"""Labels of a pool's rows, and their groups and weights where there are any, in `labels.safetensors`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from lrensemble.errors import PredictionsError
from lrensemble.files import write_whole
from lrensemble.pool.sealed import damaged, map_arrays
from lrensemble.pool.task import Task, fingerprint

BySplit = Mapping[str, NDArray[Any]]

TYPES = {"groups": np.int64, "weights": np.float64}
"""Types of row attributes; that of the truth is the target's."""


def check_rows(task: Task, **given: BySplit) -> None:
    """Refuse labels, groups and weights that differ from the fingerprints of the task.

    Raises:
        PredictionsError: what differs; or labels outside the classes.
    """
    for name, split in task.splits.items():
        task.target.check_truth(given["labels"][name], split.size)
        for what, arrays in given.items():
            if (fingerprint(arrays[name]) if name in arrays else None) != getattr(split, what):
                raise PredictionsError(f"the {name} {what} are not those that the task was made of")


def write_rows(path: Path, task: Task, *, anew: bool, **given: BySplit) -> None:
    """Write the given arrays of the task's splits: `anew`, or beside those of the file.

    Raises:
        StorageError: it cannot be written.
        PoolError: what it holds is damaged.
    """
    arrays = {}
    if not anew and path.exists():  # copied, and mapped no more: some systems replace no file that is
        arrays = {name: np.array(array) for name, array in map_arrays(path).items()}
    for what, of_splits in given.items():
        for split in task.splits:
            if split in of_splits:
                arrays[_array_name(split, what)] = np.ascontiguousarray(of_splits[split], dtype=_type(task, what))
    write_whole(path, save(arrays))


def read_rows(path: Path, task: Task, split: str, what: str, known: str) -> NDArray[Any]:
    """Truth, groups or weights [sample] of a split.

    Raises:
        PoolError: they are missing, damaged or not those of this fingerprint.
    """
    if not path.exists():
        raise damaged(path, "it is missing")
    found = map_arrays(path).get(_array_name(split, what))
    if found is None or found.dtype != _type(task, what) or fingerprint(found) != known:
        raise damaged(path, f"its {split} {what} are not those that pool.json was made with")
    return np.array(found)


def _type(task: Task, what: str) -> type:
    return task.target.truth_type if what == "labels" else TYPES[what]


def _array_name(split: str, what: str) -> str:
    """Name of an array in the file; that of the labels is the split's."""
    return split if what == "labels" else f"{split}_{what}"
