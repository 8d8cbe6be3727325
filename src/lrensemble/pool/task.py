"""The task that the members of a pool share: the target, and the rows and their truth of each split."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator

from lrensemble.config import Base, PositiveInt, Record
from lrensemble.errors import ConfigError
from lrensemble.targets import AnyTarget, Classes, OfTarget, Target

ROW_ATTRIBUTES = ("groups", "weights", "choices", "ids")
"""Optional attributes of rows; they can be added to an existing pool."""

NONE: Mapping[str, NDArray[Any]] = {}
"""Arrays of no split."""
NO_IDS: Mapping[str, Sequence[str]] = {}
"""Ids of no split."""

_SPLIT = re.compile(r"val|test(:[A-Za-z0-9][A-Za-z0-9_.\-]*)?")


def split_named(name: str) -> str:
    """The split of a test set: `test:v2` is that of `v2`, and `test` that of `test`.

    Raises:
        ConfigError: a name of other characters.
    """
    split = "test" if name == "test" else f"test:{name}"
    if not _SPLIT.fullmatch(split):
        raise ConfigError(f"test set {name!r} is refused; name it by letters, digits, '.', '_' and '-'")
    return split


class Split(Record):
    """Rows that predictions are made on, by their fingerprints."""

    size: PositiveInt
    """Number of rows."""
    rows: str
    """SHA-256 of the rows' places in the data set, in order, as little-endian int64."""
    labels: str
    """SHA-256 of the truth, in order, as little-endian int64 or float64."""
    groups: str | None = None
    """SHA-256 of the rows' groups, as that of the labels; None where rows are independent."""
    weights: str | None = None
    """SHA-256 of the rows' weights, in order, as little-endian float64; None where all weigh 1."""
    choices: str | None = None
    """SHA-256 of the number of answers that each row has, as that of the labels; None where all have as many."""
    ids: str | None = None
    """SHA-256 of the names by which rows are known elsewhere, in order, as JSON; None where they have none."""

    def fingerprints(self) -> dict[str, str]:
        """All hashes of the split, by key."""
        return self.model_dump(exclude={"size"}, exclude_none=True)


class Task(OfTarget):
    """The target and the rows that every member of a pool predicts.

    `name` is for people: two tasks of other names and equal targets, rows and truths are the same task.
    """

    name: str
    splits: dict[str, Split]
    """Splits by name: `val`, then `test` where there is one, then further test sets (`test:NAME`)."""
    base: Base | None = None
    """Language model that the members start from, and without which an adapter is nothing; None where there is none."""

    @field_validator("target")
    @classmethod
    def _several_classes(cls, target: AnyTarget) -> AnyTarget:
        if isinstance(target, Classes) and target.width < 2:
            raise ValueError("a task has at least two classes")
        return target

    @field_validator("splits")
    @classmethod
    def _known(cls, splits: dict[str, Split]) -> dict[str, Split]:
        if "val" not in splits or not all(map(_SPLIT.fullmatch, splits)):
            raise ValueError(
                f"splits are {', '.join(splits) or 'none'}; give val, and test where there is one "
                "(further test sets are called test:NAME)"
            )
        return {name: splits[name] for name in in_order(splits)}

    @property
    def test_sets(self) -> tuple[str, ...]:
        """Splits that only `evaluate` reads the truth of; the verdict is on the first."""
        return tuple(name for name in self.splits if name != "val")

    @classmethod
    def of(
        cls,
        name: str,
        target: Target | Sequence[str],
        *,
        rows: Mapping[str, NDArray[np.integer]],
        labels: Mapping[str, NDArray[Any]],
        groups: Mapping[str, NDArray[np.integer]] = NONE,
        weights: Mapping[str, NDArray[np.floating]] = NONE,
        choices: Mapping[str, NDArray[np.integer]] = NONE,
        ids: Mapping[str, Sequence[str]] = NO_IDS,
        base: Base | None = None,
    ) -> Self:
        """Task with the fingerprints of these rows.

        Args:
            name: name of the task, for people.
            target: what the truth of a row is; names stand for classes.
            rows: places [sample] of the rows by split, unique within the data set.
            labels: truth by split: class indices [sample], or values [sample, output].
            groups: group of each row [sample], for splits that have groups.
            weights: weight of each row [sample], for splits that have weights.
            choices: number of answers of each row [sample], for splits whose rows have not all as many.
            ids: names by which rows are known elsewhere, for splits that have such.
            base: language model that the members start from.
        """
        splits = {
            split: Split(
                size=len(rows[split]),
                rows=fingerprint(rows[split]),
                labels=fingerprint(labels[split]),
                groups=fingerprint(groups[split]) if split in groups else None,
                weights=fingerprint(weights[split]) if split in weights else None,
                choices=fingerprint(choices[split]) if split in choices else None,
                ids=fingerprint_of_ids(ids[split]) if split in ids else None,
            )
            for split in rows
        }
        return cls(name=name, target=as_target(target), splits=splits, base=base)

    def with_row_attributes_of(self, other: Task) -> Self:
        """This task with the attributes of rows that another one of the same rows has and this one has not."""
        splits = {
            name: split.model_copy(
                update={
                    attribute: getattr(other.splits[name], attribute)
                    for attribute in ROW_ATTRIBUTES
                    if getattr(split, attribute) is None and name in other.splits
                }
            )
            for name, split in self.splits.items()
        }
        return self.model_copy(update={"splits": splits})

    def at_places_of(self, other: Task, counted: Collection[str] = ()) -> Self:
        """This task with the places of another one's rows, wherever both have rows of the same ids.

        Args:
            other: task of the same rows.
            counted: splits whose rows are counted on from those of other splits, as nothing says their places: another
                task may count each split from zero.
        """
        splits = dict(self.splits)
        for name, split in self.splits.items():
            theirs = other.splits.get(name)
            if theirs is None:
                continue
            named = split.ids is not None and split.ids == theirs.ids
            from_zero = name in counted and theirs.rows == fingerprint(np.arange(theirs.size))
            if named or (from_zero and split.labels == theirs.labels):
                splits[name] = split.model_copy(update={"rows": theirs.rows})
        return self.model_copy(update={"splits": splits})

    def hashes(self) -> dict[str, str]:
        """Hashes that a member must share with its pool, by what they are the hash of."""
        names = json.dumps(self.classes, ensure_ascii=False).encode()
        found: dict[str, str] = {self.target.kind: hashlib.sha256(names).hexdigest()}
        for name, split in self.splits.items():
            found |= {f"{name} rows": split.rows, f"{name} labels": split.labels}
        if self.base is not None:
            found["weights of the base"] = self.base.weights_sha256
        return found

    def difference(self, other: Task) -> str:
        """Description of how this task differs from another; empty where they are the same task.

        Groups and other attributes of rows differ only where both have some.
        """
        found = []
        if difference := self.target.difference(other.target):
            found.append(difference)
        mine, theirs = (None if task.base is None else task.base.weights_sha256 for task in (self, other))
        if mine != theirs:
            found.append(f"{_named(self.base)}, not {_named(other.base)}")
        for name in in_order({**self.splits, **other.splits}):
            found += _difference(name, self.splits.get(name), other.splits.get(name))
        return "; ".join(found)


def _difference(name: str, mine: Split | None, theirs: Split | None) -> list[str]:
    """Descriptions of how a split differs from that of another task."""
    if mine is None or theirs is None:
        return [] if mine is theirs else [f"{'a' if mine else 'no'} {name} split"]
    if mine.size != theirs.size:
        return [f"{mine.size} {name} rows, not {theirs.size}"]
    other = [what for what in ("rows", "labels") if getattr(mine, what) != getattr(theirs, what)]
    both = [what for what in ROW_ATTRIBUTES if len({getattr(mine, what), getattr(theirs, what)} - {None}) == 2]
    return [f"other {name} {what}" for what in (*other, *both)]


def _named(base: Base | None) -> str:
    return "no base model" if base is None else f"base {base.path} (weights {base.weights_sha256[:12]}…)"


def as_target(given: Target | Sequence[str]) -> AnyTarget:
    """A target as it is; names are those of classes."""
    if isinstance(given, Target):
        return given  # type: ignore[return-value]  # every target is one of the union
    return Classes(names=tuple(given))


def in_order(splits: Iterable[str]) -> list[str]:
    """Names of splits in the order of a pool: `val`, `test`, then further test sets as they come."""
    return sorted(splits, key=lambda name: ("val", "test").index(name) if name in ("val", "test") else 2)


def fingerprint_of_ids(ids: Sequence[str]) -> str:
    """SHA-256 of names of rows, in order, as JSON."""
    return hashlib.sha256(json.dumps(list(ids)).encode()).hexdigest()


def fingerprint(numbers: NDArray[np.integer] | NDArray[np.floating]) -> str:
    """SHA-256 of numbers, in order, as little-endian int64 or float64: the same on every machine and for every type."""
    kind = "<f8" if np.issubdtype(numbers.dtype, np.floating) else "<i8"
    return hashlib.sha256(np.ascontiguousarray(numbers, dtype=kind).tobytes()).hexdigest()
