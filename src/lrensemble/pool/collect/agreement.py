"""What files of predictions must have in common: the rows, what is known of them, and the target."""

from __future__ import annotations

import itertools
import string
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.class_names import fault_of
from lrensemble.errors import PoolError, PredictionsError
from lrensemble.pool.collect.files import PredictionFile
from lrensemble.pool.collect.identity import Indices, order_of
from lrensemble.pool.collect.names import DENSE, OF_VALUES, prefix
from lrensemble.targets import AnyTarget, Choices, Classes, Values
from lrensemble.targets.forms import check_indices

MOST_CLASSES, SPARSE = 1000, 10
"""Numbers of classes inferred from labels alone: above MOST_CLASSES, at least one in SPARSE of them must occur."""


def aligned(files: Sequence[PredictionFile]) -> list[PredictionFile]:
    """The files with the rows of each split in one order: that of the first file that names them.

    Raises:
        PoolError: files over other rows, labels or names of classes; both are named.
        PredictionsError: ids that name a row twice.
    """
    _check_splits(files)
    found = [_with_places(files, file) for file in files]
    for split in files[0].rows:
        ids = [file.ids(split) for file in found]
        first = next((place for place, own in enumerate(ids) if own is not None), None)
        if first is not None:
            wanted, other = ids[first], files[first].where(split, "ids")
            assert wanted is not None
            orders = [
                None if own is None else order_of(own, wanted, file.where(split, "ids"), other)
                for own, file in zip(ids, found, strict=True)
            ]
            found = [_in_order(file, split, order) for file, order in zip(found, orders, strict=True)]
        _check_same(found, split)
    named = [file for file in files if file.names]
    for other_file in named[1:]:
        if other_file.names != named[0].names:
            both = f"{named[0].path} and {other_file.path}"
            raise PoolError(f"{both} have other classes; members of a pool share theirs")
    return found


def _with_places(files: Sequence[PredictionFile], file: PredictionFile) -> PredictionFile:
    """A file whose rows are known by their places in it, where some files had rows left out and none has ids."""
    rows = dict(file.rows)
    for split, known in file.rows.items():
        if not any(split in each.kept for each in files) or any("ids" in each.rows[split] for each in files):
            continue
        places = file.kept.get(split, np.arange(len(np.atleast_1d(known["labels"]))))
        rows[split] = {**known, "ids": places}
    return replace(file, rows=rows)


def _in_order(file: PredictionFile, split: str, order: Indices | None) -> PredictionFile:
    if order is None or bool((order == np.arange(len(order))).all()):
        return file
    rows = {what: array[order] for what, array in file.rows[split].items()}
    members = tuple(member.ordered({split: order}) for member in file.members)
    return replace(file, rows={**file.rows, split: rows}, members=members)


def _check_splits(files: Sequence[PredictionFile]) -> None:
    first = files[0]
    for other in files[1:]:
        if unshared := [
            split for split in (*first.rows, *other.rows) if (split in first.rows) != (split in other.rows)
        ]:
            raise PoolError(
                f"only one of {first.path} and {other.path} has {unshared[0]} rows; members of a pool share theirs"
            )


def _check_same(files: Sequence[PredictionFile], split: str) -> None:
    first = files[0]
    for other in files[1:]:
        mine, theirs = first.rows[split]["labels"], other.rows[split]["labels"]
        if not np.array_equal(mine, theirs):
            raise PoolError(
                f"{first.path} and {other.path} have other {prefix(split)}labels ({len(mine)} and {len(theirs)} rows); "
                "members of a pool share their rows, in the same order or with ids"
            )
    for what in ("groups", "weights", "choices"):
        having = [file for file in files if what in file.rows[split]]
        for other in having[1:]:
            if not np.array_equal(having[0].rows[split][what], other.rows[split][what]):
                both = f"{having[0].path} and {other.path}"
                raise PoolError(f"{both} have other {prefix(split)}{what}; members of a pool share theirs")


def known_of_rows(files: Sequence[PredictionFile], what: str) -> dict[str, NDArray[Any]]:
    """An array of rows by split, in the order that all share, taken from the first file that has it."""
    found = {}
    for split in files[0].rows:
        given = next((file.rows[split][what] for file in files if what in file.rows[split]), None)
        if given is not None:
            found[split] = given
    return found


def target_of(files: Sequence[PredictionFile], before: AnyTarget | None) -> AnyTarget:
    """The target of the files' predictions, with the names of the files, of an existing pool, or plain ones.

    Raises:
        PredictionsError: predictions of several kinds, names that fit no column, or labels that can be no classes.
    """
    first, members = files[0], [(file, member) for file in files for member in file.members]
    names = next((file.names for file in files if file.names), () if before is None else before.names)
    valued = [member.form in OF_VALUES for _, member in members]
    if any(valued) and not all(valued):
        one, other = (
            next(file.path for (file, _), is_so in zip(members, valued, strict=True) if is_so is which)
            for which in (True, False)
        )
        raise PredictionsError(f"{one} has values and {other} has classes; members of a pool share their target")
    columns = [member.said["val"].parts[""].shape[1] for _, member in members if member.form in (*DENSE, *OF_VALUES)]
    if all(valued):
        names = names or tuple(f"y{output}" for output in range(columns[0]))
        return Values(names=names)
    counts = [known["choices"] for file in files for known in file.rows.values() if "choices" in known]
    if counts:
        width = columns[0] if columns else max(int(array.max()) for array in counts)
        return Choices(names=names or tuple(itertools.islice(_letters(), width)))
    classes = names or tuple(map(str, range(columns[0] if columns else count_classes(files))))
    if len(classes) < 2:
        raise PredictionsError(f"{first.path} has predictions over one class; give a column for each of two or more")
    if fault := fault_of(classes):
        raise PredictionsError(f"{first.path}: {fault}")
    return Classes(names=classes)


def _letters() -> itertools.chain[str]:
    return itertools.chain(string.ascii_uppercase, map(str, itertools.count(27)))


def count_classes(files: Sequence[PredictionFile]) -> int:
    """Number of classes where all members know only labels: the highest label + 1.

    Raises:
        PredictionsError: labels that are no integers, or one so high that it can be no class.
    """
    for file in files:
        for split, known in file.rows.items():
            if known["labels"].dtype.kind not in "iu":
                where = file.where(split, "labels")
                raise PredictionsError(f"{where} are {known['labels'].dtype}; give class indices as integers")
    arrays = [known["labels"] for file in files for known in file.rows.values()]
    arrays += [said.parts[""] for file in files for member in file.members for said in member.said.values()]
    indices = [array for array in arrays if array.size and array.dtype.kind in "iu"]
    highest = max((int(array.max()) for array in indices), default=0)
    if highest >= MOST_CLASSES:
        occurring = len({label for array in indices for label in np.unique(array).tolist()})
        if highest >= SPARSE * occurring:
            raise PredictionsError(
                f"{files[0].path}: labels go up to {highest} and only {occurring} of them occur, which looks like a "
                "mistake; give the names of all classes as `classes`"
            )
    return 1 + highest


def truth_of(file: PredictionFile, split: str, target: AnyTarget) -> NDArray[Any]:
    """The truth of a file's rows in the shape of the target, checked.

    Raises:
        PredictionsError: the array and the first bad row are named.
    """
    where, known = file.where(split, "labels"), file.rows[split]
    labels, rows = known["labels"], len(file.members[0].said[split])
    if target.has_labels:
        if labels.ndim == 2 and labels.shape[1] > 1:
            raise PredictionsError(
                f"{where} have shape {labels.shape}: several labels a row (multi-label truth) are not supported; "
                f"give one class for each row: [{rows}]"
            )
        check_indices(where, labels, rows, target.width)
        counts = known.get("choices")
        if counts is not None and (labels >= counts).any():
            row = int(np.argmax(labels >= counts))
            raise PredictionsError(f"{where}: label {labels[row]} in row {row}, which has {counts[row]} choices")
        return labels
    if labels.dtype.kind not in "fiu":
        raise PredictionsError(f"{where} are {labels.dtype}; give numbers")
    truth = labels.astype(np.float64)
    truth = truth[:, None] if truth.ndim == 1 else truth
    try:
        target.check_truth(truth, rows)
    except PredictionsError as error:
        raise PredictionsError(f"{where}: {error}") from None
    return truth
