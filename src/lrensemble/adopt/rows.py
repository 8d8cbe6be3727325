"""Rows that adopted models predict: raw inputs of every split of the pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.config import Inputs, Recipe, Seen, to_record
from lrensemble.data import Dataset, of_recipe
from lrensemble.data.seen import seen_of
from lrensemble.data.truth import Kind, truth_of
from lrensemble.errors import AdoptError, PoolError
from lrensemble.pool import Pool, Task
from lrensemble.pool.place import is_pool

VAL = (("x_val", "X_val", "x", "X"), ("y_val", "y", "labels"))
TEST = (("x_test", "X_test"), ("y_test", "test_labels"))
"""Names of inputs and truth in a table of arrays."""


@dataclass(frozen=True)
class Rows:
    """A pool, and the raw inputs of its rows."""

    pool: Pool
    raw: Mapping[str, NDArray[Any]]
    """Inputs [sample, *shape] by split, as they are given."""
    inputs: Inputs
    """Shape and type of one; mean and deviation of the training rows where they are known, else 0 and 1."""


def rows_of(
    out: Path,
    data: Mapping[str, NDArray[Any]] | Dataset | Path | None,
    kind: Kind | None = None,
    *,
    features: tuple[str, ...] | None = None,
) -> Rows:
    """The rows of a pool, which is made where there is none.

    Args:
        out: folder of the pool.
        data: `x_val`, `y_val` (or `x`, `y`) and, where there are test rows, `x_test`, `y_test`; a data set whose rows
            are divided; or, for a pool whose members were trained here, whose recipes say which rows, nothing or the
            folder of their files.
        kind: whether the truth is `classes` or `values`, where its type does not say it.
        features: names of the columns of arrays, where they have some.

    Raises:
        AdoptError: no data where they are needed, or arrays that are missing.
        DataError: data that cannot be used, or other rows than those of the pool.
        PoolError: a pool of another task.
    """
    if data is None or isinstance(data, Path):
        data = _of_members(out, data)
    if isinstance(data, Dataset):
        return _of_dataset(out, data)
    return _of_arrays(out, data, kind, features)


def _of_members(out: Path, folder: Path | None) -> Dataset:
    """The data set of a pool's own members.

    Raises:
        AdoptError: no member was trained here.
    """
    pool = Pool.open(out) if is_pool(out) else None
    recipe = next((each.recipe for each in pool.members() if each.recipe is not None), None) if pool else None
    if pool is None or recipe is None:
        raise AdoptError(
            f"{out} does not say which rows to predict: give data, such as "
            "{'x_val': …, 'y_val': …, 'x_test': …, 'y_test': …} (on the command line, --data FILE.npz)"
        )
    return of_recipe(to_record(Recipe, recipe, "recipe"), folder, trust_code=pool.trust_code)


def _of_dataset(out: Path, dataset: Dataset) -> Rows:
    splits: list[str] = [name for name in ("val", "test") if name in dataset.rows and len(dataset.rows[name])]
    rows = {name: dataset.rows[name].cpu().numpy() for name in splits}
    truth = {name: dataset.truth_of(name) for name in splits}
    task = Task.of(dataset.name, dataset.target, rows=rows, labels=truth)
    raw = {name: dataset.inputs[dataset.rows[name]].cpu().numpy() for name in splits}
    return Rows(Pool.create(out, task, truth), raw, dataset.inputs_of_members)


def _of_arrays(
    out: Path, data: Mapping[str, NDArray[Any]], kind: Kind | None, features: tuple[str, ...] | None
) -> Rows:
    given = {"val": VAL} | ({"test": TEST} if any(name in data for name in (*TEST[0], *TEST[1])) else {})
    raw = {split: _one_of(data, names[0]) for split, names in given.items()}
    labels = {split: _one_of(data, names[1]) for split, names in given.items()}
    for split, each in raw.items():
        if len(each) != len(labels[split]) or each.ndim < 2:
            raise AdoptError(
                f"{split}: inputs have shape {each.shape} and truth {labels[split].shape}; give [sample, feature] or "
                "images, and one truth for each"
            )
    truth, task = _task(out, labels, data, kind)
    shape = raw["val"].shape[1:]
    of_bytes = all(each.dtype == np.uint8 for each in raw.values())
    of_double = any(each.dtype == np.float64 for each in raw.values())
    inputs = Inputs(
        shape=shape,
        dtype="uint8" if of_bytes else "float64" if of_double else "float32",
        mean=(0.0,) * shape[0],
        std=(1.0,) * shape[0],
        seen=_seen(raw["val"]),
        features=features,
    )
    return Rows(Pool.create(out, task, truth), raw, inputs)


def _seen(raw: NDArray[Any]) -> Seen | None:
    """Range and statistics of the validation rows [sample, …], those that the model is known to have been good for."""
    if raw.dtype.kind not in "buif" or not len(raw) or not np.isfinite(raw).all():
        return None
    axes = tuple(axis for axis in range(raw.ndim) if axis != 1)
    mean, std = (of(axis=axes, dtype=np.float64) for of in (raw.mean, raw.std))
    return seen_of(raw, np.arange(len(raw)), mean, std)


def _task(
    out: Path, labels: Mapping[str, NDArray[Any]], data: Mapping[str, NDArray[Any]], kind: Kind | None
) -> tuple[dict[str, NDArray[Any]], Task]:
    """Truth by split, and the task of these rows; in a pool that is there, by its names and places."""
    before = Pool.open(out) if is_pool(out) else None
    everything = np.concatenate(list(labels.values()))
    names = list(map(str, data["classes"].ravel())) if "classes" in data else None
    if before is not None and before.task.target.has_labels:
        names = list(before.task.target.names)
    if before is not None:
        kind = before.task.target.truth_kind
    truth, target = truth_of(everything, kind, "data", classes=names)
    ends = np.cumsum([len(each) for each in labels.values()])[:-1]
    divided = dict(zip(labels, np.split(truth, ends), strict=True))
    first = dict(zip(divided, (0, *ends.tolist()), strict=True))  # places as those of predictions that are collected
    rows = {split: np.arange(first[split], first[split] + len(each)) for split, each in divided.items()}
    task = Task.of(out.resolve().name, target, rows=rows, labels=divided)
    if before is None:
        return divided, task
    for split, known in before.task.splits.items():  # by their truth: arrays have no places in a data set
        if split not in divided or task.splits[split].labels != known.labels:
            raise PoolError(
                f"{out} has {known.size} {split} rows, and the data given have "
                f"{len(divided[split]) if split in divided else 'none'}, or another truth; give the pool's own rows"
            )
    return divided, before.task


def _one_of(data: Mapping[str, NDArray[Any]], names: tuple[str, ...]) -> NDArray[Any]:
    found = [name for name in names if name in data]
    if not found:
        raise AdoptError(f"data have no {names[0]} (or {', '.join(names[1:])}); they have {', '.join(data)}")
    return np.asarray(data[found[0]])
