"""What the members of a pool have in common: the classes, and the rows and labels of each split."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from lrensemble.config import PositiveInt, Record

SPLITS = ("val", "test")
"""Selection sees `val` alone; `evaluate` reads `test`, where a pool has it."""

MARKS = ("groups", "weights")
"""What rows may have beside their labels; it can be added to a pool that is there."""

NONE: Mapping[str, NDArray[Any]] = {}
"""For no split."""


class Split(Record):
    """The rows that predictions are made on, by their fingerprints."""

    size: PositiveInt
    """How many rows."""
    rows: str
    """SHA-256 of the row ids, in order, as little-endian int64."""
    labels: str
    """SHA-256 of the labels, in order, as little-endian int64."""
    groups: str | None = None
    """SHA-256 of the rows' groups, as that of the labels; None where every row stands for itself."""
    weights: str | None = None
    """SHA-256 of the rows' weights, in order, as little-endian float64; None where each counts once."""

    def fingerprints(self) -> dict[str, str]:
        """All but the size."""
        return self.model_dump(exclude={"size"}, exclude_none=True)


class Task(Record):
    """The classes and the rows that every member of a pool predicts.

    `name` is for people: two tasks of other names and equal classes, rows and labels are the same task.
    """

    name: str
    classes: Annotated[tuple[str, ...], Field(min_length=2, strict=False)]
    splits: dict[str, Split]
    """`val`, and where there are test rows `test`."""

    @field_validator("splits")
    @classmethod
    def _known(cls, splits: dict[str, Split]) -> dict[str, Split]:
        if "val" not in splits or not set(splits) <= set(SPLITS):
            raise ValueError(f"splits are {', '.join(splits) or 'none'}; give val, and test where there is one")
        return splits

    @classmethod
    def of(
        cls,
        name: str,
        classes: Sequence[str],
        *,
        rows: Mapping[str, NDArray[np.integer]],
        labels: Mapping[str, NDArray[np.integer]],
        groups: Mapping[str, NDArray[np.integer]] = NONE,
        weights: Mapping[str, NDArray[np.floating]] = NONE,
    ) -> Self:
        """The task of these rows.

        Args:
            name: for people.
            classes: names, by class index.
            rows: for each split, [sample] row ids: what tells a row from every other of the data set.
            labels: for each split, [sample] class indices.
            groups: for splits that have them, [sample] which group each row belongs to.
            weights: for splits that have them, [sample] how often each row counts.
        """
        splits = {
            split: Split(
                size=len(rows[split]),
                rows=fingerprint(rows[split]),
                labels=fingerprint(labels[split]),
                groups=fingerprint(groups[split]) if split in groups else None,
                weights=fingerprint(weights[split]) if split in weights else None,
            )
            for split in SPLITS
            if split in rows
        }
        return cls(name=name, classes=tuple(classes), splits=splits)

    def with_marks_of(self, other: Task) -> Self:
        """This task with the groups and weights that another one of the same rows has and this one has not."""
        splits = {
            name: split.model_copy(
                update={
                    mark: getattr(other.splits[name], mark)
                    for mark in MARKS
                    if getattr(split, mark) is None and name in other.splits
                }
            )
            for name, split in self.splits.items()
        }
        return self.model_copy(update={"splits": splits})

    def hashes(self) -> dict[str, str]:
        """What a member must share with its pool, one hash for each thing that can differ."""
        names = json.dumps(self.classes, ensure_ascii=False).encode()
        found = {"classes": hashlib.sha256(names).hexdigest()}
        for name, split in self.splits.items():
            found |= {f"{name} rows": split.rows, f"{name} labels": split.labels}
        return found

    def difference(self, other: Task) -> str:
        """In words, what this task has that another has not; empty where they are the same task.

        Groups and weights differ only where both have some.
        """
        found = []
        if len(self.classes) != len(other.classes):
            found.append(f"{len(self.classes)} classes, not {len(other.classes)}")
        elif self.classes != other.classes:
            index = next(i for i, pair in enumerate(zip(self.classes, other.classes, strict=True)) if len({*pair}) == 2)
            found.append(f"class {index} is {self.classes[index]!r}, not {other.classes[index]!r}")
        for name in SPLITS:
            mine, theirs = self.splits.get(name), other.splits.get(name)
            if mine is None or theirs is None:
                if mine is not theirs:
                    found.append(f"{'a' if mine else 'no'} {name} split")
            elif mine.size != theirs.size:
                found.append(f"{mine.size} {name} rows, not {theirs.size}")
            else:
                found += [
                    f"other {name} {what}"
                    for what in ("rows", "labels")
                    if getattr(mine, what) != getattr(theirs, what)
                ]
                found += [
                    f"other {name} {what}"
                    for what in MARKS
                    if len({getattr(mine, what), getattr(theirs, what)} - {None}) == 2
                ]
        return "; ".join(found)


def fingerprint(numbers: NDArray[np.integer] | NDArray[np.floating]) -> str:
    """SHA-256 of numbers, in order, as little-endian int64 or float64: the same on every machine and for every type."""
    kind = "<f8" if np.issubdtype(numbers.dtype, np.floating) else "<i8"
    return hashlib.sha256(np.ascontiguousarray(numbers, dtype=kind).tobytes()).hexdigest()
