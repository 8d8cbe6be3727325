"""Groups of rows (one patient, one scene): read, numbered, and held out as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.pool.arrays import Arrays, load

NAMES = ("groups", "test_groups")


def read_groups(path: Path) -> Arrays:
    """Arrays `groups` and `test_groups` of a file.

    Raises:
        PredictionsError: it holds neither, or is no file of arrays.
        StorageError: it cannot be read.
    """
    found = load(path, frozenset(NAMES))
    if path.suffix == ".npy":
        found = dict(zip(NAMES, found.values(), strict=False))
    if NAMES[0] not in found:
        raise PredictionsError(f"{path} holds no array `{NAMES[0]}`; give one with the group of each row")
    return found


def numbered(groups: Arrays) -> dict[str, NDArray[np.int64]]:
    """Groups by split as integers: integers unchanged, names numbered in sorted order over all splits."""
    given = list(groups.values())
    whole = all(array.dtype.kind in "iu" for array in given)
    if whole and all(array.astype(np.int64).tolist() == array.tolist() for array in given):
        return {split: array.astype(np.int64) for split, array in groups.items()}
    names: list[Any] = sorted({str(name) for array in given for name in array.tolist()})
    number = {name: place for place, name in enumerate(names)}
    return {
        split: np.array([number[str(name)] for name in array.tolist()], dtype=np.int64)
        for split, array in groups.items()
    }


def held_out_groups(
    labels: NDArray[np.integer], groups: NDArray[np.int64], fraction: float, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Mask [sample] of held-out rows: whole groups, about a fraction of each class.

    Groups are visited in random order, and each is held out where that lowers Σ (fraction − h_c / n_c)², the sum over
    the classes c of squared deviations, with h_c of the n_c rows of a class held out.
    """
    present, group_of_row = np.unique(groups, return_inverse=True)
    held = np.zeros((len(present), int(labels.max()) + 1))
    np.add.at(held, (group_of_row, labels), 1)
    shares = held / np.maximum(held.sum(axis=0), 1)
    missing = np.where(held.sum(axis=0) > 0, fraction, 0.0)
    held_out = np.zeros(len(present), dtype=bool)
    for group in generator.permutation(len(present)).tolist():
        if ((missing - shares[group]) ** 2).sum() < (missing**2).sum():
            held_out[group] = True
            missing = missing - shares[group]
    return held_out[group_of_row]
