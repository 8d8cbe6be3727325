"""Adopt predictions that were made elsewhere: files and folders of arrays become a pool."""

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
from lrensemble.pool.content import LOG_ZERO
from lrensemble.pool.found import Form, Found
from lrensemble.pool.groups import groups_aside, numbered, read_groups
from lrensemble.pool.member import MemberRecord
from lrensemble.pool.sources import (
    Source,
    check_agreement,
    check_source,
    count_classes,
    marks_of,
    plain,
    read,
    read_marks,
)
from lrensemble.pool.store import Pool, is_pool
from lrensemble.pool.task import Task
from lrensemble.rows import check_weights

Rows = Mapping[str, tuple[str, NDArray[np.int64]]]
"""For each split of the pool, the split of the file that its rows come from, and which."""


@dataclass(frozen=True)
class CollectResult:
    """What became of the files."""

    pool: Pool
    added: tuple[str, ...]
    """Ids of new members, in the order of the files."""
    skipped: tuple[str, ...]
    """Ids of members that were there already."""


def collect(
    files: Sequence[Path | str],
    out: Path | str,
    *,
    holdout: float | None = None,
    seed: int = 0,
    kind: Form | None = None,
    groups: Path | str | None = None,
) -> CollectResult:
    """Make a pool of predictions, or add them to the one that is there; nothing is added unless everything can be.

    All rows of files without test rows are `val`, so that selection sees them all and `evaluate` has none, unless
    `holdout` sets some aside.

    Args:
        files: files of predictions, and folders of one file a member (see `lrensemble.pool.sources`).
        out: the pool's folder.
        holdout: fraction of each class's rows to set aside as `test`, where the files bring no test rows; rows of one
            group stay together.
        seed: of that division.
        kind: which array of a file to take, and what a `.npy` file holds.
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
    sources = [read(Path(path), kind) for path in files]
    check_agreement(sources)
    classes = _classes(sources, out)
    for source in sources:
        check_source(source, len(classes))
    marks = _marks(sources, groups)
    rows = _divide(sources[0].labels, marks.get("groups", {}), holdout, seed)
    labels = {split: sources[0].labels[origin][index] for split, (origin, index) in rows.items()}
    of_rows = {
        mark: {split: arrays[origin][index] for split, (origin, index) in rows.items() if origin in arrays}
        for mark, arrays in marks.items()
    }
    group_of_row, weights = of_rows.get("groups", {}), of_rows.get("weights", {})
    for split, given in weights.items():
        check_weights(given, len(given), f"{split} weights")
    members = [member for source in sources for member in source.members]
    log_probs = [_log_probs(member, rows, len(classes)) for member in members]
    ids = _ids(sources[0], rows)
    task = Task.of(plain(out.resolve().name), classes, rows=ids, labels=labels, groups=group_of_row, weights=weights)
    pool = Pool.create(out, task, labels, groups=group_of_row, weights=weights)
    return _add(pool, members, log_probs, labels["val"], weights.get("val"))


def _classes(sources: Sequence[Source], out: Path) -> tuple[str, ...]:
    """Names by class index: those of the files, of the pool that is there, or plain numbers."""
    named = next((source.classes for source in sources if source.classes), ())
    if not named and is_pool(out):
        named = Pool.open(out).task.classes
    classes = named or tuple(str(i) for i in range(count_classes(sources)))
    if len(classes) < 2:
        raise PredictionsError(
            f"{sources[0].path} has predictions over one class; give a column for each of two or more"
        )
    if fault := fault_of(classes):
        raise PredictionsError(f"{sources[0].path}: {fault}")
    return classes


def _marks(sources: Sequence[Source], groups: Path | None) -> dict[str, dict[str, NDArray[Any]]]:
    """Groups and weights of rows, each by split: groups as numbers, weights in float64."""
    found = marks_of(sources)
    if groups is not None:
        if "groups" in found:
            raise ConfigError(f"the files bring their own groups; leave {groups} away")
        found |= read_marks(groups, read_groups(groups), sources[0].labels)
    return {
        mark: numbered(arrays) if mark == "groups" else {split: array.astype(float) for split, array in arrays.items()}
        for mark, arrays in found.items()
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
    aside = (
        groups_aside(labels["val"], groups["val"], holdout, generator)
        if "val" in groups
        else _rows_aside(labels["val"], holdout, generator)
    )
    if aside.all() or not aside.any():
        raise ConfigError(f"holdout = {holdout} leaves no val or no test rows of {len(aside)}; choose another fraction")
    return {"val": ("val", np.flatnonzero(~aside)), "test": ("val", np.flatnonzero(aside))}


def _rows_aside(labels: NDArray[np.integer], holdout: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    """[sample] rows drawn at random, a fraction of each class."""
    aside = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        aside[rows[: round(holdout * len(rows))]] = True
    return aside


def _ids(source: Source, rows: Rows) -> dict[str, NDArray[np.int64]]:
    """Row ids: positions in the file, its test rows counted on after the others."""
    return {
        split: index + (len(source.labels["val"]) if origin == "test" else 0) for split, (origin, index) in rows.items()
    }


def _log_probs(member: Found, rows: Rows, classes: int) -> dict[str, NDArray[np.float32]]:
    whole = {
        origin: np.maximum(member.log_probs(origin, classes), LOG_ZERO).astype(np.float32)
        for origin in member.predictions
    }
    return {split: whole[origin][index] for split, (origin, index) in rows.items()}


def _add(
    pool: Pool,
    members: Sequence[Found],
    log_probs: Sequence[dict[str, NDArray[np.float32]]],
    labels: NDArray[np.integer],
    weights: NDArray[np.float64] | None,
) -> CollectResult:
    """Add members after those that are there; two that collect at once do so one after the other."""
    added: list[str] = []
    skipped: list[str] = []
    with claimed(pool.folder / "unfinished", "collect") as mine:
        first = 1 + max((member.order for member in pool.members(include_diverged=True)), default=-1)
        for found, predictions in zip(members, log_probs, strict=True):
            probs = np.exp(predictions["val"].astype(np.float64))
            metrics = watched(labels_only=found.form == "top1")
            record = MemberRecord(
                id=found.id,
                order=first + len(added),
                name=found.name,
                kind="top1" if found.form == "top1" else "log_probs",
                scores={"val": {name: METRICS.call(name, probs, labels, weights) for name in metrics}},
            )
            mine.beat()
            with mine.fenced():
                new = pool.add(record, predictions, within=mine.folder)
            (added if new else skipped).append(found.id)
    return CollectResult(pool, tuple(added), tuple(skipped))
