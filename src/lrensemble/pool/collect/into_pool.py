"""Collect predictions that were made elsewhere: files and folders of arrays become a pool."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import ConfigError, PredictionsError
from lrensemble.files.claims import claimed
from lrensemble.notebook import Shown
from lrensemble.pool.collect.agreement import aligned, known_of_rows, target_of, truth_of
from lrensemble.pool.collect.classes import in_one_order, with_sums_of_one
from lrensemble.pool.collect.division import Rows, as_given, as_in_pool, held_out, positions
from lrensemble.pool.collect.files import PredictionFile, encodable
from lrensemble.pool.collect.groups import numbered, with_groups
from lrensemble.pool.collect.identity import Ids, Indices
from lrensemble.pool.collect.labels import with_indices
from lrensemble.pool.collect.members import CollectedMember
from lrensemble.pool.collect.names import KEPT_AS, AskedForm
from lrensemble.pool.collect.read_given import asked_for, read_sources
from lrensemble.pool.collect.reading.held import Asked
from lrensemble.pool.collect.same_rows import note_same_rows
from lrensemble.pool.collect.scores import scores_of
from lrensemble.pool.collect.test_sets import with_test_sets
from lrensemble.pool.member import MemberRecord
from lrensemble.pool.place import is_pool
from lrensemble.pool.store import Pool
from lrensemble.pool.task import Task
from lrensemble.rows import check_weights
from lrensemble.targets import AnyTarget, LogProbs
from lrensemble.text.counted import counted

Source = str | os.PathLike[str]
Numbers = dict[str, NDArray[Any]]


@dataclass(frozen=True, repr=False)
class CollectResult(Shown):
    """Pool that predictions were added to, and its new members."""

    pool: Pool
    added: tuple[str, ...]
    """Ids of new members, in the order of the files."""
    skipped: tuple[str, ...]
    """Ids of members that the pool had already."""
    reading: tuple[str, ...] = ()
    """How files were read that did not say everything by names of ours, a line each."""

    def _headline(self) -> str:
        """Number of members that came, and the pool."""
        return (
            f"{counted(len(self.added), 'member')} added to {self.pool.folder}, {len(self.skipped)} were there already"
        )

    def _table(self) -> list[dict[str, Any]]:
        """One row for each member that the files hold."""
        known = {member.id: member.name for member in self.pool.members()}
        each = [*((id_, "added") for id_ in self.added), *((id_, "was there already") for id_ in self.skipped)]
        return [{"id": id_, "member": known.get(id_, "–"), "what": what} for id_, what in each]


@dataclass(frozen=True)
class _Found:
    """What the files say, in one order of rows."""

    path: Path
    members: tuple[CollectedMember, ...]
    target: AnyTarget
    truth: Numbers
    """By split of the files, as all below."""
    ids: dict[str, Ids]
    attributes: dict[str, Numbers]
    """`groups`, `weights` and `choices`, each by split."""

    @property
    def sizes(self) -> dict[str, int]:
        """Numbers of rows."""
        return {split: len(array) for split, array in self.truth.items()}


def collect(
    files: Any,
    out: Source,
    *,
    truth: Any = None,
    id: Any = None,  # noqa: A002
    columns: Sequence[str] | str | None = None,
    kind: AskedForm | None = None,
    tests: Mapping[str, Source | Sequence[Source]] | None = None,
    holdout: float | None = None,
    seed: int = 0,
    form: AskedForm | None = None,
    groups: Source | None = None,
) -> CollectResult:
    """Make a pool of predictions, or add them to an existing one; nothing is added unless everything can be.

    ```python
    pool = lrensemble.collect("predictions.npz", "pool").pool
    ```

    All rows of files without test rows are `val`, so that selection sees them all and `evaluate` has none, unless
    `holdout` takes some out. Rows that have `ids` are the same by these, in all files and in the pool.

    What files do not say by names that we give is read by what they hold, and the result says how (`reading`).

    Args:
        files: files of predictions, folders of one file a member or of one folder a run; arrays, tensors and frames;
            or these by the name of the member (see `lrensemble.pool.collect.reading`).
        out: the pool's folder.
        truth: column or array of the truth, or the truth from elsewhere: a file (`FILE:NAME` for one of its columns),
            an array, a frame.
        id: column or array with the names of rows, or these names.
        columns: columns or arrays of predictions.
        kind: the same as `form`, by the name that the command line has for it.
        tests: further test sets by name: files of the same members' predictions on other rows, which stand there
            without the prefix `test_`.
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
    if files is None or (isinstance(files, Sequence | Mapping) and not len(files)):
        raise PredictionsError("no predictions given; name files with probs, logits or log_probs and labels")
    out = Path(out)
    before = Pool.open(out) if is_pool(out) else None
    asked, from_elsewhere, ids = asked_for(form or kind, truth, id, columns)
    found = _read(read_sources(files, asked, from_elsewhere, ids), asked, tests or {}, groups, before)
    rows = _divided(found, holdout, seed, before)
    task, kept = _task(out, found, rows, before)
    pool = Pool.create(out, task, **kept)
    return _add(pool, found, rows, asked.reading())


def _read(
    given: Sequence[PredictionFile],
    asked: Asked,
    tests: Mapping[str, Source | Sequence[Source]],
    groups: Source | None,
    before: Pool | None,
) -> _Found:
    if groups is not None:
        if any("groups" in known for file in given for known in file.rows.values()):
            raise ConfigError(f"the files bring their own groups; leave {groups} away")
        given = [with_groups(given[0], Path(groups)), *given[1:]]
    read = [read_sources(each, replace(asked, truth=None, id=None)) for each in tests.values()]
    own, of_tests = _in_normal_form(given, dict(zip(tests, read, strict=True)), before, asked)
    everything = [*own, *(file for each in of_tests.values() for file in each)]
    target = target_of(everything, _target(before))
    for file in everything:
        for member in file.members:
            member.check_columns(target)
        for split in file.rows:
            truth_of(file, split, target)
    shared = with_test_sets(aligned(own), {name: aligned(each) for name, each in of_tests.items()})
    choices = known_of_rows(shared, "choices")
    for member in (member for file in shared for member in file.members):
        for split in member.said:
            member.check(split, target, choices.get(split))
        member.release()
    truth = {split: truth_of(shared[0], split, target) for split in shared[0].rows}
    note_same_rows((member for file in shared for member in file.members), truth, asked)
    ids = {split: names for split in shared[0].rows if (names := _ids(shared, split)) is not None}
    weights = {split: array.astype(float) for split, array in known_of_rows(shared, "weights").items()}
    return _Found(
        path=shared[0].path,
        members=tuple(member for file in shared for member in file.members),
        target=target,
        truth=truth,
        ids=ids,
        attributes={"groups": numbered(known_of_rows(shared, "groups")), "weights": weights, "choices": choices},
    )


def _in_normal_form(
    given: Sequence[PredictionFile], tests: Mapping[str, list[PredictionFile]], before: Pool | None, asked: Asked
) -> tuple[list[PredictionFile], dict[str, list[PredictionFile]]]:
    """Files, and those of further test sets, with classes and probabilities as one form of them."""
    everything = [*given, *(file for each in tests.values() for file in each)]
    known = _target(before)
    everything = with_indices(everything, known, asked)
    everything = in_one_order(everything, () if known is None else known.names, asked)
    everything = with_sums_of_one(everything, asked)
    own, rest = everything[: len(given)], everything[len(given) :]
    found = {}
    for name, each in tests.items():
        found[name], rest = rest[: len(each)], rest[len(each) :]
    return own, found


def _target(before: Pool | None) -> AnyTarget | None:
    return None if before is None else before.task.target


def _ids(files: Sequence[PredictionFile], split: str) -> Ids | None:
    return next((own for file in files if (own := file.ids(split)) is not None), None)


def _divided(found: _Found, holdout: float | None, seed: int, before: Pool | None) -> Rows:
    """Which rows of the files are in which split of the pool, in the order of a pool that is there already."""
    if holdout is None:
        rows = as_given(found.sizes)
    else:
        strata = found.target.strata(found.truth["val"])
        rows = held_out(found.sizes, strata, found.attributes["groups"].get("val"), holdout, seed)
    if before is None:
        return rows
    return as_in_pool(rows, found.ids, before, str(found.path), divided=holdout is not None)


def _task(out: Path, found: _Found, rows: Rows, before: Pool | None) -> tuple[Task, dict[str, Any]]:
    """The task of these rows, and the arrays that it is made of."""
    kept: dict[str, Any] = {
        name: {split: arrays[origin][places] for split, (origin, places) in rows.items() if origin in arrays}
        for name, arrays in {"labels": found.truth, **found.attributes}.items()
    }
    for split, given in kept["weights"].items():
        check_weights(given, len(given), f"{split} weights")
    kept["ids"] = {
        split: [found.ids[origin][place] for place in places.tolist()]
        for split, (origin, places) in rows.items()
        if origin in found.ids
    }
    places = positions(rows, found.sizes)
    task = Task.of(encodable(out.resolve().name), found.target, rows=places, **kept)
    counted = [split for split, own in places.items() if (np.diff(own) == 1).all()]
    return (task if before is None else task.at_places_of(before.task, counted)), kept


def _add(pool: Pool, found: _Found, rows: Rows, reading: tuple[str, ...]) -> CollectResult:
    """Append members to those of the pool; concurrent calls do so one after the other."""
    added: list[str] = []
    skipped: list[str] = []
    orders = _orders(rows)
    truth, weights = pool.truth("val"), found.attributes["weights"].get(rows["val"][0])
    if weights is not None:
        weights = weights[rows["val"][1]]
    with claimed(pool.folder / "unfinished", "collect") as claim:
        first = 1 + max((member.order for member in pool.members(include_diverged=True)), default=-1)
        for member in found.members:
            said = {
                split: member.predictions(origin, places, found.attributes["choices"].get(origin))
                for split, (origin, places) in rows.items()
            }
            val = said["val"]
            record = MemberRecord(
                id=member.id(orders),
                order=first + len(added),
                name=member.name,
                form=KEPT_AS[member.form],
                scores={"val": scores_of(val, pool.task.target, truth, weights)},
            )
            half = isinstance(val, LogProbs) and val.main.dtype == np.float16
            claim.beat()
            with claim.fenced():
                new = pool.add(record, said, precision="float16" if half else "float32", within=claim.folder)
            (added if new else skipped).append(record.id)
            member.release()
    return CollectResult(pool, tuple(added), tuple(skipped), reading)


def _orders(rows: Rows) -> dict[str, Indices]:
    """Order in the pool of the rows of each split of the files that is one split of the pool."""
    origins = [origin for origin, _ in rows.values()]
    return {origin: places for origin, places in rows.values() if origins.count(origin) == 1}
