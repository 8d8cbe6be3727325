"""Files of predictions: the members that each holds, and the labels that these were made for.

A file holds all members: `log_probs`, `logits` or `probs` [member, sample, class], or `top1` [member, sample]; `labels`
[sample]; optional `names` (or `models`) [member], `classes` [class], `groups` and `weights` [sample]; and the arrays of
test rows with the prefix `test_`. A folder holds one file a member, named after it, without the member axis; a `.npy`
file there is the predictions alone. The labels (and `classes`, `groups`, `weights`) stand in each file, or once in
`labels.npz` or in a `.npy` file of their name.
"""

from __future__ import annotations

import itertools
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PoolError, PredictionsError
from lrensemble.files import storage_errors
from lrensemble.pool.arrays import SUFFIXES, Arrays, load
from lrensemble.pool.collected import FORMS, PREFIX, CollectedMember, Form
from lrensemble.rows import check_groups, check_weights
from lrensemble.targets.forms import check_indices

ROW_ATTRIBUTES = ("groups", "weights")
COMMON = ("labels", "test_labels", "classes", *ROW_ATTRIBUTES, *(f"test_{attribute}" for attribute in ROW_ATTRIBUTES))
NAMES = ("names", "models")
MOST_CLASSES, SPARSE = 1000, 10
"""Numbers of classes inferred from labels alone: above MOST_CLASSES, at least one in SPARSE of them must occur."""
WANTED = frozenset([*FORMS, *(f"test_{form}" for form in FORMS), *COMMON, *NAMES])


@dataclass(frozen=True)
class PredictionFile:
    """Members of one file of predictions, or of a folder with one file a member."""

    path: Path
    labels: dict[str, NDArray[np.integer]]
    """Labels [sample] by split."""
    classes: tuple[str, ...]
    """Names by class index; empty where the file has none."""
    members: tuple[CollectedMember, ...]
    attributes: dict[str, Arrays] = field(default_factory=dict)
    """`groups` and `weights`, each by split [sample], where the file has them."""


def read(path: Path, form: Form | None) -> PredictionFile:
    """The members of a file, or of a folder of one file a member.

    Raises:
        PredictionsError: an array is missing, or cannot be used.
        PoolError: the files of a folder do not agree in rows, labels or classes.
        StorageError: the path cannot be read.
    """
    with storage_errors("read", path):
        if stat.S_ISDIR(path.stat().st_mode):
            return _read_folder(path, form)
    arrays = load(path, WANTED)
    chosen = _choose_form(path, arrays, form)
    found = _predictions(path, arrays, chosen, axes="member, sample")
    count = len(found["val"])
    given = next((arrays[key] for key in NAMES if key in arrays), None)
    names = (
        [f"{encodable(path.stem)}-{i}" for i in range(count)]
        if given is None
        else [encodable(str(name)) for name in given.reshape(-1)]
    )
    if len(names) != count or any(len(array) != count for array in found.values()):
        counts = ", ".join(f"{len(array)} in {PREFIX[split]}{chosen}" for split, array in found.items())
        raise PredictionsError(f"{path} names {len(names)} members and has {counts}; give the same number of each")
    members = tuple(
        CollectedMember(name, path, chosen, {split: array[i] for split, array in found.items()})
        for i, name in enumerate(names)
    )
    return _prediction_file(path, arrays, members)


def _read_folder(folder: Path, form: Form | None) -> PredictionFile:
    with storage_errors("read", folder):
        paths = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and not path.name.startswith("."))
    common: Arrays = {}
    for path in paths:
        if path.stem in COMMON:
            common |= load(path, frozenset(COMMON))
    files = [_read_member(path, common, form) for path in paths if path.stem not in COMMON]
    if not files:
        raise PredictionsError(f"{folder} holds no predictions; give one {', '.join(SUFFIXES)} file a member")
    check_agreement(files)
    names = next((file.classes for file in files if file.classes), ())
    members = tuple(member for file in files for member in file.members)
    return PredictionFile(folder, files[0].labels, names, members, attributes_of(files))


def _read_member(path: Path, common: Arrays, form: Form | None) -> PredictionFile:
    arrays = load(path, WANTED)
    if path.suffix == ".npy" and (given := arrays.pop(path.stem, None)) is not None:
        bare = form or ("top1" if given.ndim == 1 and given.dtype.kind in "iu" else None)
        if bare is None:
            raise PredictionsError(f"{path} does not say what it holds; give the form: {', '.join(FORMS)}")
        arrays[bare] = given
    arrays = common | arrays
    chosen = _choose_form(path, arrays, form)
    found = _predictions(path, arrays, chosen, axes="sample")
    return _prediction_file(path, arrays, (CollectedMember(encodable(path.stem), path, chosen, found),))


def _choose_form(path: Path, arrays: Arrays, form: Form | None) -> Form:
    chosen = next((known for known in FORMS if known in arrays and form in (None, known)), None)
    if chosen is None:
        held = ", ".join(arrays) or "nothing that is known"
        raise PredictionsError(f"{path} holds {held}; give {form or 'one of ' + ', '.join(FORMS)}")
    return chosen


def _predictions(path: Path, arrays: Arrays, form: Form, *, axes: str) -> Arrays:
    """Predictions by split, with these axes; `class` is added to them unless the form is `top1`."""
    axes = axes if form == "top1" else f"{axes}, class"
    found = {split: arrays[prefix + form] for split, prefix in PREFIX.items() if prefix + form in arrays}
    for split, array in found.items():
        name, kinds = ("integers", "iu") if form == "top1" else ("floating-point numbers", "f")
        if array.ndim != axes.count(",") + 1 or 0 in array.shape or array.dtype.kind not in kinds:
            raise PredictionsError(
                f"{path}: {PREFIX[split]}{form} are {array.dtype} of shape {array.shape}; "
                f"give {name} [{axes}], at least one of each"
            )
    return found


def _prediction_file(path: Path, arrays: Arrays, members: tuple[CollectedMember, ...]) -> PredictionFile:
    for split, prefix in PREFIX.items():
        has_labels, has_predictions = f"{prefix}labels" in arrays, split in members[0].predictions
        if has_labels != has_predictions:
            missing = f"{prefix}{members[0].form}" if has_labels else f"{prefix}labels"
            raise PredictionsError(f"{path} has no {missing}; give predictions and labels of the same rows")
    labels = {split: arrays[f"{PREFIX[split]}labels"] for split in members[0].predictions}
    names = tuple(encodable(str(name)) for name in arrays["classes"].reshape(-1)) if "classes" in arrays else ()
    return PredictionFile(path, labels, names, members, read_attributes(path, arrays, labels))


def read_attributes(path: Path, arrays: Arrays, labels: Arrays) -> dict[str, Arrays]:
    """`groups` and `weights` of a file, each by split, checked against the labels.

    Raises:
        PredictionsError: not one for each row, of another kind, or of test rows that are not there.
    """
    attributes: dict[str, Arrays] = {}
    for attribute, (split, prefix) in itertools.product(ROW_ATTRIBUTES, PREFIX.items()):
        given = arrays.get(f"{prefix}{attribute}")
        if given is None:
            continue
        where = f"{path}: {prefix}{attribute}"
        if split not in labels:
            raise PredictionsError(f"{where} are given without {prefix}labels; give the labels of those rows as well")
        check = check_groups if attribute == "groups" else check_weights
        check(given, len(labels[split]), where)
        attributes.setdefault(attribute, {})[split] = given
    return attributes


def attributes_of(files: Sequence[PredictionFile]) -> dict[str, Arrays]:
    """Groups and weights by split, taken from the first file that has them."""
    found: dict[str, Arrays] = {}
    for file in files:
        for attribute, arrays in file.attributes.items():
            found[attribute] = arrays | found.get(attribute, {})
    return found


def encodable(name: str) -> str:
    """A name that JSON can hold: file names may have bytes that are no text."""
    return name.encode(errors="replace").decode()


def check_agreement(files: Sequence[PredictionFile]) -> None:
    """Refuse files over other rows, labels or classes.

    Raises:
        PoolError: what differs, with both paths.
    """
    first = files[0]
    for other in files[1:]:
        if set(first.labels) != set(other.labels):
            raise PoolError(f"only one of {first.path} and {other.path} has test rows; members of a pool share theirs")
        for split, labels in first.labels.items():
            if not np.array_equal(labels, other.labels[split]):
                raise PoolError(
                    f"{first.path} and {other.path} have other {PREFIX[split]}labels ({len(labels)} and "
                    f"{len(other.labels[split])} rows); members of a pool share their rows, in the same order"
                )
    for attribute, split in itertools.product(ROW_ATTRIBUTES, PREFIX):
        having = [file for file in files if split in file.attributes.get(attribute, {})]
        for other in having[1:]:
            if not np.array_equal(having[0].attributes[attribute][split], other.attributes[attribute][split]):
                both = f"{having[0].path} and {other.path}"
                raise PoolError(f"{both} have other {PREFIX[split]}{attribute}; members of a pool share theirs")
    named = [file for file in files if file.classes]
    for other in named[1:]:
        if other.classes != named[0].classes:
            raise PoolError(f"{named[0].path} and {other.path} have other classes; members of a pool share theirs")


def count_classes(files: Sequence[PredictionFile]) -> int:
    """Number of classes of the predictions; where all members know only labels, the highest label + 1.

    Raises:
        PredictionsError: a label so high that it can be no class.
    """
    members = [member for file in files for member in file.members]
    widths = [member.predictions["val"].shape[1] for member in members if member.form != "top1"]
    if widths:
        return int(widths[0])
    by_split = [file.labels for file in files] + [member.predictions for member in members]
    indices = [array for arrays in by_split for array in arrays.values() if array.size and array.dtype.kind in "iu"]
    highest = max(int(array.max()) for array in indices)
    if highest >= MOST_CLASSES:
        occurring = len({label for array in indices for label in np.unique(array).tolist()})
        if highest >= SPARSE * occurring:
            raise PredictionsError(
                f"{files[0].path}: labels go up to {highest} and only {occurring} of them occur, which looks like a "
                "mistake; give the names of all classes as `classes`"
            )
    return 1 + highest


def check_predictions(file: PredictionFile, classes: int) -> None:
    """Refuse predictions over another number of classes, and labels that are not one class index for each row.

    Raises:
        PredictionsError: the file and the first bad row are named.
    """
    for member in file.members:
        for split, array in member.predictions.items():
            if member.form != "top1" and array.shape[1] != classes:
                raise PredictionsError(
                    f"{member.path}: {PREFIX[split]}{member.form} of {member.name} have {array.shape[1]} classes; "
                    f"the pool has {classes}"
                )
            where = f"{member.path}: {PREFIX[split]}labels"
            check_indices(where, file.labels[split], len(array), classes)
