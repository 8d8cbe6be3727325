"""A pool is a folder: what lies in it is the list of members, without index, lock or database.

```
POOL/pool.json                              the task: target, size and fingerprints of each split
POOL/labels.safetensors                     truth: `val`, `test`, `test:v2`, …: int64, or float64 [sample, output];
                                            where rows have them, `val_groups` and `val_choices`: int64,
                                            `val_weights`: float64, of test rows as well (`test:v2/groups`)
POOL/ids.json                               where rows have them, the names by which they are known elsewhere
POOL/members/<id>/member.json               recipe, made_with, scores, status, SHA-256 of the files beside it
POOL/members/<id>/predictions.safetensors   `val`, `test`, …: what it says, in its form: [sample, class]
                                            log-probabilities, [sample] labels, …; further arrays of a form as
                                            `val/probs`
POOL/members/<id>/weights.safetensors       optional
POOL/members/<id>/adapter_model.safetensors optional: weights of an adapter of the task's base, with
                                            `adapter_config.json` beside them, as `peft` has both
POOL/members/<id>/history.jsonl             optional
POOL/members/<id>/network.onnx, …           optional: the network of a member that was adopted, in its tool's format
POOL/failed/<id>.json                       runs that raised an error, until one succeeds
```

Members are written whole and never changed, so any number of processes may read and add at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lrensemble.config import Record
from lrensemble.errors import PoolError
from lrensemble.files import (
    check_no_link,
    clear_pool,
    make_folder,
    own_files,
    remove,
    seal,
    write_folder,
    write_whole,
)
from lrensemble.notebook import Shown
from lrensemble.pool.content import BySplit, History, Precision, Weights, member_files
from lrensemble.pool.listing import is_member, read_members
from lrensemble.pool.member import ID_PATTERN, MEMBER, Failure, Member, MemberRecord
from lrensemble.pool.names import with_distinct_names
from lrensemble.pool.place import check_may_become_pool, is_pool, no_pool
from lrensemble.pool.rows import are_written, check_rows, read_ids, read_rows, write_rows
from lrensemble.pool.sealed import unseal
from lrensemble.pool.shown import headline_of, member_at, row_of
from lrensemble.pool.task import NO_IDS, NONE, Task

FOLDERS = ("members", "selections", "failed", "looks", "unfinished", "range-tests")
"""Folders of a pool that are written to."""


@dataclass(frozen=True, repr=False)
class Pool(Shown):
    """The members of one task. Made by `Pool.create` or `Pool.open`."""

    folder: Path
    task: Task
    trust_code: bool = False
    """Whether code that the pool names may be imported, and hubs asked for what it names."""
    kept: tuple[Member, ...] | None = field(default=None, compare=False)
    """Members of a pool that stands still, see `still`."""

    @classmethod
    def create(
        cls,
        folder: Path,
        task: Task,
        labels: Mapping[str, NDArray[Any]],
        *,
        groups: Mapping[str, NDArray[np.integer]] = NONE,
        weights: Mapping[str, NDArray[np.floating]] = NONE,
        choices: Mapping[str, NDArray[np.integer]] = NONE,
        ids: Mapping[str, Sequence[str]] = NO_IDS,
    ) -> Self:
        """Make a pool, or open an existing one for the same task; drafts that dead writers left are removed.

        Attributes of rows are added to a pool that has none: groups, weights, choices, ids.

        Args:
            folder: made where it is missing.
            task: target and rows of all members.
            labels: truth of each split of the task: [sample] class indices, or [sample, output] values.
            groups: for splits that have them, [sample] which group each row belongs to.
            weights: for splits that have them, [sample] how often each row counts.
            choices: for splits that have them, [sample] how many answers each row has.
            ids: for splits that have them, the name of each row.

        Raises:
            PoolError: the folder holds a pool for another task, or one that is damaged; or it is an exported ensemble.
            PredictionsError: labels or attributes that are not those of the task, or labels outside its classes.
            StorageError: the folder cannot be written.
        """
        check_rows(task, ids, labels=labels, groups=groups, weights=weights, choices=choices)
        exists = is_pool(folder)
        if not exists:
            check_may_become_pool(folder)
        pool = cls.open(folder) if exists else cls(folder, task)
        if difference := task.difference(pool.task):
            raise PoolError(f"{folder} holds a pool for another task; given: {difference}; use another folder")
        for name in FOLDERS:
            check_no_link(folder / name)
        make_folder(pool._members)
        clear_pool(folder)
        completed = pool.task.with_row_attributes_of(task)
        if not exists or completed != pool.task or not are_written(folder, ids):
            arrays = {"labels": labels, "groups": groups, "weights": weights, "choices": choices}
            write_rows(folder, task, ids, anew=not exists, **arrays)
        if not exists or completed != pool.task:  # written last: where there is a pool.json, there is a whole pool
            write_whole(folder / "pool.json", seal({"task": completed.model_dump(mode="json", exclude_none=True)}))
        return cls(folder, completed)

    @classmethod
    def open(cls, folder: Path | str, *, trust_code: bool = False) -> Self:
        """The pool in a folder.

        Args:
            folder: folder of the pool.
            trust_code: whether to import code that it names as `package.module:function`, and to ask hubs for what it
                names. Say so only where you know who made it.

        Raises:
            PoolError: there is none, or it is damaged.
            StorageError: it cannot be read.
        """
        folder = Path(folder)
        if not is_pool(folder):
            raise no_pool(folder)
        return cls(folder, unseal(_PoolFile, folder / "pool.json").task, trust_code)

    def truth(self, split: str) -> NDArray[Any]:
        """Truth of the rows of a split: class indices [sample], or values [sample, output].

        Raises:
            PoolError: no such split, or the labels are missing, damaged or not the pool's.
        """
        return np.asarray(self._rows(split, "labels"))

    def groups(self, split: str) -> NDArray[np.int64] | None:
        """Group of each row of a split, [sample]; None where rows are independent. Raises as `truth` does."""
        return self._rows(split, "groups")

    def weights(self, split: str) -> NDArray[np.float64] | None:
        """Weight of each row of a split, [sample]; None where all weigh 1. Raises as `truth` does."""
        return self._rows(split, "weights")

    def choices(self, split: str) -> NDArray[np.int64] | None:
        """Number of answers of each row of a split, [sample]; None where all have as many. Raises as `truth` does."""
        return self._rows(split, "choices")

    def ids(self, split: str) -> tuple[str, ...] | None:
        """Names by which the rows of a split are known elsewhere; None where they have none. Raises as `truth` does."""
        self._require(split)
        return read_ids(self.folder, self.task, split)

    def members(self, include_diverged: bool = False) -> tuple[Member, ...]:
        """Members that can be chosen, by `order` and then by id; with `include_diverged`, also those that diverged,
        learned nothing or were pruned. Those that share a name are told apart by what differs in their recipes.

        Raises:
            PoolError: a member is damaged or belongs to another pool; the message says which file and what differs.
        """
        return tuple(each for each in self.still().kept or () if include_diverged or each.status == "finished")

    def still(self) -> Self:
        """The pool with the members that it has now, whoever adds or removes some. Raises as `members` does."""
        if self.kept is not None:
            return self
        found = [self._checked(member) for member in read_members(self._members)]
        found = with_distinct_names(sorted(found, key=lambda member: (member.order, member.id)))
        return replace(self, kept=tuple(found))

    def __contains__(self, id: str) -> bool:  # noqa: A002
        return is_member(self._members / id)

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members())

    def __len__(self) -> int:
        return len(self.members())

    def __bool__(self) -> bool:
        return True  # an empty one is there too

    def __getitem__(self, place: int | str) -> Member:
        """Member by its place, or by its id or name."""
        return member_at(self.members(), place, self.folder)

    def _headline(self) -> str:
        return headline_of(self.folder, self.task, lambda: self.members(include_diverged=True))

    def _table(self) -> list[dict[str, Any]]:
        """One row for each member, those without predictions too."""
        return [row_of(member) for member in self.members(include_diverged=True)]

    def add(
        self,
        record: MemberRecord,
        predictions: BySplit | None = None,
        *,
        weights: Weights | None = None,
        history: History | None = None,
        network: bytes | None = None,
        precision: Precision = "float32",
        within: Path | None = None,
    ) -> bool:
        """Write a member, whole or not at all; an earlier failure of the same id is forgotten.

        Args:
            record: record of the member.
            predictions: for every split of the task, in any form; arrays are log-probabilities [sample, class], or
                values [sample, output]. None where it diverged.
            weights: parameters and buffers by name.
            history: one flat record for each line; NaN and infinities are written as null.
            network: content of the file that the record's `network` names.
            precision: how predictions are stored; float16 halves the file and moves probabilities by up to 5e-4.
            within: a folder of the pool where it lies until it is whole, such as that of the claim on its run.

        Returns:
            Whether it was added; False where the pool has a member of that id already, which then stays as it is.

        Raises:
            PredictionsError: predictions missing, of another shape, with NaN, or not summing to one.
            StorageError: the folder cannot be written or the disk is full; nothing is left behind.
        """
        if record.id in self:
            return False
        files = member_files(
            self.task,
            record,
            predictions or {},
            weights=weights,
            history=history,
            network=network,
            precision=precision,
        )
        described = {
            **record.model_dump(mode="json", by_alias=True),
            "task": self.task.hashes(),
            "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        }
        folder = self._members / record.id
        added = write_folder(folder, {**files, MEMBER: seal(described)}, within=within)
        if not added and record.id not in self:
            raise PoolError(f"{folder} is in the way of member {record.id} ({record.name}); move it elsewhere")
        remove(self._failed(record.id))
        return added

    def record_failure(self, failure: Failure) -> None:
        """Write the failure of a run, in place of an earlier one of the same id.

        Raises:
            StorageError: the folder cannot be written.
        """
        write_whole(self._failed(failure.id), seal(failure.model_dump(mode="json")))

    def failures(self) -> tuple[Failure, ...]:
        """Runs that ended in an error and have not succeeded since, by id.

        Raises:
            PoolError: a file is damaged.
        """
        paths = own_files(self.folder / "failed", rf"{ID_PATTERN}\.json")
        return tuple(unseal(Failure, path) for path in paths if path.stem not in self)

    @property
    def _members(self) -> Path:
        return self.folder / "members"

    def _failed(self, id: str) -> Path:  # noqa: A002
        return self.folder / "failed" / f"{id}.json"

    def _rows(self, split: str, what: str) -> NDArray[Any] | None:
        self._require(split)
        return read_rows(self.folder, self.task, split, what)

    def _require(self, split: str) -> None:
        if split not in self.task.splits:
            raise PoolError(f"{self.folder} has no split {split!r}; it has {' and '.join(self.task.splits)}")

    def _checked(self, member: Member) -> Member:
        own = self.task.hashes()
        other = [what for what in {**own, **member.task} if own.get(what) != member.task.get(what)]
        if other:
            path = member.folder / MEMBER
            raise PoolError(f"{path} belongs to another pool: it has other {', '.join(other)}; move {path.parent} away")
        return member


class _PoolFile(Record):
    task: Task
