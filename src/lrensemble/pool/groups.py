"""Groups of rows, as patients or scenes have them: read, numbered, and set aside as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.pool.arrays import Arrays, load

NAMES = ("groups", "test_groups")


def read_groups(path: Path) -> Arrays:
    """`groups` and `test_groups` of a file that holds nothing else of use.

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
    """Groups by split as numbers: integers as they are, names in their order, those of all splits together."""
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


def groups_aside(
    labels: NDArray[np.integer], groups: NDArray[np.int64], fraction: float, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """[sample] rows of whole groups, about a fraction of each class.

    Groups are taken in random order, and each is set aside where that brings the classes set aside nearer to the
    fraction: the sum over classes of squared differences, each relative to the class's rows.
    """
    present, group_of_row = np.unique(groups, return_inverse=True)
    held = np.zeros((len(present), int(labels.max()) + 1))
    np.add.at(held, (group_of_row, labels), 1)
    shares = held / np.maximum(held.sum(axis=0), 1)
    missing = np.where(held.sum(axis=0) > 0, fraction, 0.0)
    aside = np.zeros(len(present), dtype=bool)
    for group in generator.permutation(len(present)).tolist():
        if ((missing - shares[group]) ** 2).sum() < (missing**2).sum():
            aside[group] = True
            missing = missing - shares[group]
    return aside[group_of_row]
