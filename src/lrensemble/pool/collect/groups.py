"""Groups of rows (one patient, one scene): read, numbered, and held out as a whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.pool.arrays import Arrays, load
from lrensemble.pool.collect.files import PredictionFile, check_row_arrays
from lrensemble.pool.collect.identity import as_ids, order_of
from lrensemble.pool.collect.names import Common, prefix, read_by_split


def with_groups(file: PredictionFile, path: Path) -> PredictionFile:
    """A file of predictions with the groups of its rows from a file of their own; rows are found there by their ids.

    Args:
        file: predictions without groups.
        path: arrays `groups`, `test_groups`, …, and `ids` where rows have them; a `.npy` file is the groups of `val`.

    Raises:
        PredictionsError: it holds no groups, groups of rows that are not there, or is no file of arrays.
        PoolError: its ids are not those of the rows.
        StorageError: it cannot be read.
    """
    found = {"val": {"groups": _only(path)}} if path.suffix == ".npy" else read_by_split(path, Common())
    if "groups" not in found.get("val", {}):
        raise PredictionsError(f"{path} holds no array `groups`; give one with the group of each row")
    rows = dict(file.rows)
    for split, arrays in found.items():
        if "groups" not in arrays:
            continue
        if split not in rows:
            where = f"{path}: {prefix(split)}groups"
            raise PredictionsError(
                f"{where} are given without {prefix(split)}labels; give the labels of those rows too"
            )
        check_row_arrays(path, split, {"labels": rows[split]["labels"], "groups": arrays["groups"]})
        rows[split] = {**rows[split], "groups": _in_order_of(file, split, arrays, path)}
    return replace(file, rows=rows)


def _only(path: Path) -> NDArray[Any]:
    (array,) = load(path, Common()).values()
    return array


def _in_order_of(file: PredictionFile, split: str, arrays: Arrays, path: Path) -> NDArray[Any]:
    groups = arrays["groups"]
    if "ids" not in arrays:
        return groups
    where, wanted = f"{path}: {prefix(split)}ids", file.ids(split)
    if wanted is None:
        raise PredictionsError(f"{where} are given, and {file.path} has none; give ids in both, or in neither")
    return groups[order_of(as_ids(arrays["ids"], len(groups), where), wanted, where, file.where(split, "ids"))]


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
