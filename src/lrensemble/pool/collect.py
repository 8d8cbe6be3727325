"""Collect predictions that were made elsewhere: files and folders of arrays become a pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.class_names import fault_of
from lrensemble.errors import ConfigError, PredictionsError
from lrensemble.files.claims import claimed
from lrensemble.metrics import METRICS, watched
from lrensemble.pool.collected import CollectedMember, Form
from lrensemble.pool.groups import held_out_groups, numbered, read_groups
from lrensemble.pool.member import MemberRecord
from lrensemble.pool.prediction_files import (
    PredictionFile,
    attributes_of,
    check_agreement,
    check_predictions,
    count_classes,
    encodable,
    read,
    read_attributes,
)
from lrensemble.pool.store import Pool, is_pool
from lrensemble.pool.task import Task
from lrensemble.rows import check_weights
from lrensemble.targets import Predictions

Rows = Mapping[str, tuple[str, NDArray[np.int64]]]
"""Origin of the rows of each split of the pool: the split of the file, and the indices of its rows."""


@dataclass(frozen=True)
class CollectResult:
    """Pool that predictions were added to, and its new members."""

    pool: Pool
    added: tuple[str, ...]
    """Ids of new members, in the order of the files."""
    skipped: tuple[str, ...]
    """Ids of members that the pool had already."""


def collect(
    files: Sequence[Path | str],
    out: Path | str,
    *,
    holdout: float | None = None,
    seed: int = 0,
    form: Form | None = None,
    groups: Path | str | None = None,
) -> CollectResult:
    """Make a pool of predictions, or add them to an existing one; nothing is added unless everything can be.

    All rows of files without test rows are `val`, so that selection sees them all and `evaluate` has none, unless
    `holdout` takes some out.

    Args:
        files: files of predictions, and folders of one file a member (see `lrensemble.pool.prediction_files`).
        out: the pool's folder.
        holdout: fraction of each class's rows to hold out as `test`, where the files bring no test rows; rows of one
            group stay together.
        seed: seed of that division.
        form: form of the predictions: which array of a file is taken, and what a `.npy` file holds.
        groups: a file with the group of each row, where the files of predictions do not hold it: `groups` and, where
            there are test rows, `test_groups`; a `.npy` file is the former.

    Raises:
        PredictionsError: arrays that cannot be used; the file is named.
        PoolError: files that do not agree in rows, labels or classes, or a pool of another task.
        ConfigError: a holdout that cannot be made, or groups given twice.
        StorageError: a file cannot be read, or the pool not be written.
    """
    if not files:
        raise PredictionsError("no predictions given; name files with probs, logits or log_probs and labels")
    out, groups = Path(out), None if groups is None else Path(groups)
    read_files = [read(Path(path), form) for path in files]
    check_agreement(read_files)
    classes = _classes(read_files, out)
    for file in read_files:
        check_predictions(file, len(classes))
    attributes = _row_attributes(read_files, groups)
    rows = _divide(read_files[0].labels, attributes.get("groups", {}), holdout, seed)
    labels = {split: read_files[0].labels[origin][index] for split, (origin, index) in rows.items()}
    by_attribute = {
        attribute: {split: arrays[origin][index] for split, (origin, index) in rows.items() if origin in arrays}
        for attribute, arrays in attributes.items()
    }
    group_of_row, weights = by_attribute.get("groups", {}), by_attribute.get("weights", {})
    for split, given in weights.items():
        check_weights(given, len(given), f"{split} weights")
    members = [member for file in read_files for member in file.members]
    predictions = [_predictions(member, rows, len(classes)) for member in members]
    ids = _ids(read_files[0], rows)
    task = Task.of(
        encodable(out.resolve().name), classes, rows=ids, labels=labels, groups=group_of_row, weights=weights
    )
    pool = Pool.create(out, task, labels, groups=group_of_row, weights=weights)
    return _add(pool, members, predictions, labels["val"], weights.get("val"))


def _classes(files: Sequence[PredictionFile], out: Path) -> tuple[str, ...]:
    """Names by class index: those of the files, of the existing pool, or plain numbers."""
    named = next((file.classes for file in files if file.classes), ())
    if not named and is_pool(out):
        named = Pool.open(out).task.classes
    classes = named or tuple(str(i) for i in range(count_classes(files)))
    if len(classes) < 2:
        raise PredictionsError(f"{files[0].path} has predictions over one class; give a column for each of two or more")
    if fault := fault_of(classes):
        raise PredictionsError(f"{files[0].path}: {fault}")
    return classes


def _row_attributes(files: Sequence[PredictionFile], groups: Path | None) -> dict[str, dict[str, NDArray[Any]]]:
    """Groups and weights of rows, each by split: groups as numbers, weights in float64."""
    found = attributes_of(files)
    if groups is not None:
        if "groups" in found:
            raise ConfigError(f"the files bring their own groups; leave {groups} away")
        found |= read_attributes(groups, read_groups(groups), files[0].labels)
    return {
        name: numbered(arrays) if name == "groups" else {split: array.astype(float) for split, array in arrays.items()}
        for name, arrays in found.items()
    }


def _divide(
    labels: Mapping[str, NDArray[np.integer]],
    groups: Mapping[str, NDArray[np.int64]],
    holdout: float | None,
    seed: int,
) -> Rows:
    if holdout is None:
        return {split: (split, np.arange(len(array))) for split, array in labels.items()}
    if "test" in labels:
        raise ConfigError("the files bring their own test rows; leave the holdout away")
    if not 0 < holdout < 1:
        raise ConfigError(f"holdout = {holdout} is refused; give a fraction above 0 and below 1, such as 0.5")
    if seed < 0:
        raise ConfigError(f"seed = {seed} is refused; give an integer from 0")
    generator = np.random.default_rng(seed)
    held_out = (
        held_out_groups(labels["val"], groups["val"], holdout, generator)
        if "val" in groups
        else _held_out_rows(labels["val"], holdout, generator)
    )
    if held_out.all() or not held_out.any():
        raise ConfigError(
            f"holdout = {holdout} leaves no val or no test rows of {len(held_out)}; choose another fraction"
        )
    return {"val": ("val", np.flatnonzero(~held_out)), "test": ("val", np.flatnonzero(held_out))}


def _held_out_rows(labels: NDArray[np.integer], holdout: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Mask [sample] of rows drawn at random, a fraction of each class."""
    held_out = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        held_out[rows[: round(holdout * len(rows))]] = True
    return held_out


def _ids(file: PredictionFile, rows: Rows) -> dict[str, NDArray[np.int64]]:
    """Row ids: positions in the file, its test rows counted on after the others."""
    return {
        split: index + (len(file.labels["val"]) if origin == "test" else 0) for split, (origin, index) in rows.items()
    }


def _predictions(member: CollectedMember, rows: Rows, classes: int) -> dict[str, Predictions]:
    by_origin = {origin: member.as_said(origin, classes) for origin in member.predictions}
    return {split: by_origin[origin][index] for split, (origin, index) in rows.items()}


def _add(
    pool: Pool,
    members: Sequence[CollectedMember],
    predictions: Sequence[dict[str, Predictions]],
    labels: NDArray[np.integer],
    weights: NDArray[np.float64] | None,
) -> CollectResult:
    """Append members to those of the pool; concurrent calls do so one after the other."""
    added: list[str] = []
    skipped: list[str] = []
    with claimed(pool.folder / "unfinished", "collect") as claim:
        first = 1 + max((member.order for member in pool.members(include_diverged=True)), default=-1)
        for found, said in zip(members, predictions, strict=True):
            probs = pool.task.target.seen(said["val"])
            metrics = watched(pool.task.target.kind, said["val"].needs_served)
            record = MemberRecord(
                id=found.id,
                order=first + len(added),
                name=found.name,
                form="labels" if found.form == "top1" else "log_probs",
                scores={"val": {name: METRICS.call(name, probs, labels, weights) for name in metrics}},
            )
            claim.beat()
            with claim.fenced():
                new = pool.add(record, said, within=claim.folder)
            (added if new else skipped).append(found.id)
    return CollectResult(pool, tuple(added), tuple(skipped))
