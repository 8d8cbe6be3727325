"""What members a file of predictions holds, with the labels that they were made for.

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
from lrensemble.pool.found import FORMS, PREFIX, Form, Found, check_class_indices
from lrensemble.rows import check_groups, check_weights

MARKS = ("groups", "weights")
COMMON = ("labels", "test_labels", "classes", *MARKS, *(f"test_{mark}" for mark in MARKS))
NAMES = ("names", "models")
MOST_CLASSES, SPARSE = 1000, 10
"""Where labels alone tell, more classes than the first are believed only as long as one in so many of them occurs."""
WANTED = frozenset([*FORMS, *(f"test_{form}" for form in FORMS), *COMMON, *NAMES])


@dataclass(frozen=True)
class Source:
    """The members of one file or folder."""

    path: Path
    labels: dict[str, NDArray[np.integer]]
    """By split: [sample]."""
    classes: tuple[str, ...]
    """Names; empty where the file does not tell."""
    members: tuple[Found, ...]
    marks: dict[str, Arrays] = field(default_factory=dict)
    """`groups` and `weights`, each by split [sample], where the file has them."""


def read(path: Path, form: Form | None) -> Source:
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
        [f"{plain(path.stem)}-{i}" for i in range(count)]
        if given is None
        else [plain(str(name)) for name in given.reshape(-1)]
    )
    if len(names) != count or any(len(array) != count for array in found.values()):
        counts = ", ".join(f"{len(array)} in {PREFIX[split]}{chosen}" for split, array in found.items())
        raise PredictionsError(f"{path} names {len(names)} members and has {counts}; give the same number of each")
    members = tuple(
        Found(name, path, chosen, {split: array[i] for split, array in found.items()}) for i, name in enumerate(names)
    )
    return _source(path, arrays, members)


def _read_folder(folder: Path, form: Form | None) -> Source:
    with storage_errors("read", folder):
        files = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and not path.name.startswith("."))
    common: Arrays = {}
    for path in files:
        if path.stem in COMMON:
            common |= load(path, frozenset(COMMON))
    sources = [_read_member(path, common, form) for path in files if path.stem not in COMMON]
    if not sources:
        raise PredictionsError(f"{folder} holds no predictions; give one {', '.join(SUFFIXES)} file a member")
    check_agreement(sources)
    names = next((source.classes for source in sources if source.classes), ())
    members = tuple(member for source in sources for member in source.members)
    return Source(folder, sources[0].labels, names, members, marks_of(sources))


def _read_member(path: Path, common: Arrays, form: Form | None) -> Source:
    arrays = load(path, WANTED)
    if path.suffix == ".npy" and (given := arrays.pop(path.stem, None)) is not None:
        bare = form or ("top1" if given.ndim == 1 and given.dtype.kind in "iu" else None)
        if bare is None:
            raise PredictionsError(f"{path} does not say what it holds; give the kind: {', '.join(FORMS)}")
        arrays[bare] = given
    arrays = common | arrays
    chosen = _choose_form(path, arrays, form)
    found = _predictions(path, arrays, chosen, axes="sample")
    return _source(path, arrays, (Found(plain(path.stem), path, chosen, found),))


def _choose_form(path: Path, arrays: Arrays, form: Form | None) -> Form:
    chosen = next((known for known in FORMS if known in arrays and form in (None, known)), None)
    if chosen is None:
        held = ", ".join(arrays) or "nothing that is known"
        raise PredictionsError(f"{path} holds {held}; give {form or 'one of ' + ', '.join(FORMS)}")
    return chosen


def _predictions(path: Path, arrays: Arrays, form: Form, *, axes: str) -> Arrays:
    """By split, with the axes that were asked for and, but for `top1`, the classes."""
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


def _source(path: Path, arrays: Arrays, members: tuple[Found, ...]) -> Source:
    for split, prefix in PREFIX.items():
        has_labels, has_predictions = f"{prefix}labels" in arrays, split in members[0].predictions
        if has_labels != has_predictions:
            missing = f"{prefix}{members[0].form}" if has_labels else f"{prefix}labels"
            raise PredictionsError(f"{path} has no {missing}; give predictions and labels of the same rows")
    labels = {split: arrays[f"{PREFIX[split]}labels"] for split in members[0].predictions}
    names = tuple(plain(str(name)) for name in arrays["classes"].reshape(-1)) if "classes" in arrays else ()
    return Source(path, labels, names, members, read_marks(path, arrays, labels))


def read_marks(path: Path, arrays: Arrays, labels: Arrays) -> dict[str, Arrays]:
    """`groups` and `weights` of a file, each by split, checked against the labels.

    Raises:
        PredictionsError: not one for each row, of another kind, or of test rows that are not there.
    """
    marks: dict[str, Arrays] = {}
    for mark, (split, prefix) in itertools.product(MARKS, PREFIX.items()):
        given = arrays.get(f"{prefix}{mark}")
        if given is None:
            continue
        where = f"{path}: {prefix}{mark}"
        if split not in labels:
            raise PredictionsError(f"{where} are given without {prefix}labels; give the labels of those rows as well")
        check = check_groups if mark == "groups" else check_weights
        check(given, len(labels[split]), where)
        marks.setdefault(mark, {})[split] = given
    return marks


def marks_of(sources: Sequence[Source]) -> dict[str, Arrays]:
    """Groups and weights by split, of the first source that has them."""
    found: dict[str, Arrays] = {}
    for source in sources:
        for mark, arrays in source.marks.items():
            found[mark] = arrays | found.get(mark, {})
    return found


def plain(name: str) -> str:
    """A name that JSON can hold: file names may have bytes that are no text."""
    return name.encode(errors="replace").decode()


def check_agreement(sources: Sequence[Source]) -> None:
    """Refuse sources over other rows, labels or classes.

    Raises:
        PoolError: what differs, with both paths.
    """
    first = sources[0]
    for other in sources[1:]:
        if set(first.labels) != set(other.labels):
            raise PoolError(f"only one of {first.path} and {other.path} has test rows; members of a pool share theirs")
        for split, labels in first.labels.items():
            if not np.array_equal(labels, other.labels[split]):
                raise PoolError(
                    f"{first.path} and {other.path} have other {PREFIX[split]}labels ({len(labels)} and "
                    f"{len(other.labels[split])} rows); members of a pool share their rows, in the same order"
                )
    for mark, split in itertools.product(MARKS, PREFIX):
        having = [source for source in sources if split in source.marks.get(mark, {})]
        for other in having[1:]:
            if not np.array_equal(having[0].marks[mark][split], other.marks[mark][split]):
                both = f"{having[0].path} and {other.path}"
                raise PoolError(f"{both} have other {PREFIX[split]}{mark}; members of a pool share theirs")
    named = [source for source in sources if source.classes]
    for other in named[1:]:
        if other.classes != named[0].classes:
            raise PoolError(f"{named[0].path} and {other.path} have other classes; members of a pool share theirs")


def count_classes(sources: Sequence[Source]) -> int:
    """How many classes the predictions are over; where all members know only labels, the highest label tells.

    Raises:
        PredictionsError: a label so high that it can be no class.
    """
    members = [member for source in sources for member in source.members]
    widths = [member.predictions["val"].shape[1] for member in members if member.form != "top1"]
    if widths:
        return int(widths[0])
    by_split = [source.labels for source in sources] + [member.predictions for member in members]
    indices = [array for arrays in by_split for array in arrays.values() if array.size and array.dtype.kind in "iu"]
    highest = max(int(array.max()) for array in indices)
    if highest >= MOST_CLASSES:
        occurring = len({label for array in indices for label in np.unique(array).tolist()})
        if highest >= SPARSE * occurring:
            raise PredictionsError(
                f"{sources[0].path}: labels go up to {highest} and only {occurring} of them occur, which looks like a "
                "mistake; give the names of all classes as `classes`"
            )
    return 1 + highest


def check_source(source: Source, classes: int) -> None:
    """Refuse predictions over another number of classes, and labels that are not one class index for each row.

    Raises:
        PredictionsError: the file and the first bad row are named.
    """
    for member in source.members:
        for split, array in member.predictions.items():
            if member.form != "top1" and array.shape[1] != classes:
                raise PredictionsError(
                    f"{member.path}: {PREFIX[split]}{member.form} of {member.name} have {array.shape[1]} classes; "
                    f"the pool has {classes}"
                )
            where = f"{member.path}: {PREFIX[split]}labels"
            check_class_indices(where, source.labels[split], len(array), classes)
