"""Labels in every spelling that means one thing: whole numbers, one column, one-hot, true and false, names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.pool.collect.files import PredictionFile
from lrensemble.pool.collect.members import CollectedMember
from lrensemble.pool.collect.names import DENSE, OF_VALUES, prefix
from lrensemble.pool.collect.reading.held import Asked
from lrensemble.pool.collect.reading.kinds import one_hot
from lrensemble.targets import AnyTarget

Array = NDArray[Any]


def with_indices(files: Sequence[PredictionFile], before: AnyTarget | None, asked: Asked) -> list[PredictionFile]:
    """The files with labels as indices of classes, wherever they can mean nothing else.

    Args:
        files: all files.
        before: target of a pool that is there already.
        asked: how labels were read is noted there.

    Raises:
        PredictionsError: names that are no classes, or real numbers where classes are predicted.
    """
    found = [_plain(file) for file in files]
    if all(member.form in OF_VALUES for file in found for member in file.members):
        return found
    widths = {m.said["val"].parts[""].shape[1] for file in found for m in file.members if m.form in DENSE}
    width = widths.pop() if len(widths) == 1 else None
    named = next((file.names for file in found if file.names), () if before is None else before.names)
    arrays = [array for file in found for array in _labels_in(file)]
    if any(array.dtype.kind == "U" for array in arrays) or _are_names(arrays, named):
        told = named or _names_in(files, arrays, width)
        if not named and width is not None:
            shown = ", ".join(told[:6]) + (", …" if len(told) > 6 else "")
            asked.note(
                files[0].path, f"columns of predictions as the classes {shown}, sorted; an array `classes` says more"
            )
        places = any(_are_places(array, told) for array in arrays)
        return [_by_name(file, file.names or told, places=places) for file in found]
    if named or any(array.dtype.kind not in "iu" or array.ndim != 1 for array in arrays):
        return found
    return _from_zero(found, arrays, width, asked)


def _are_names(arrays: Sequence[Array], names: Sequence[str]) -> bool:
    """Whether whole numbers are names of classes, since some are no indices."""
    if not names or any(array.dtype.kind not in "iu" or not array.size for array in arrays):
        return False
    outside = any(int(array.min()) < 0 or int(array.max()) >= len(names) for array in arrays)
    return outside and all(str(value) in names for array in arrays for value in np.unique(array).tolist())


def _are_places(array: Array, names: Sequence[str]) -> bool:
    """Whether labels count the classes from zero, though these have numbers for names: some label is no name."""
    values = (
        [str(value) for value in np.unique(array).tolist()] if array.ndim == 1 and array.dtype.kind in "iuU" else []
    )
    digits = all(value.isdigit() and int(value) < len(names) for value in values)
    return digits and any(value not in names for value in values)


def _labels_in(file: PredictionFile) -> list[Array]:
    """Truth of all rows, and labels that members predict."""
    said = [said.parts[""] for member in file.members if member.form == "top1" for said in member.said.values()]
    return [known["labels"] for known in file.rows.values()] + said


def _plain(file: PredictionFile) -> PredictionFile:
    """The file with labels [sample] as integers or names, where they are one of these."""
    valued = file.members[0].form in OF_VALUES
    rows = {
        split: {**known, "labels": _one_a_row(known["labels"], file.where(split, "labels"), valued=valued)}
        for split, known in file.rows.items()
    }
    return replace(file, rows=rows, members=tuple(_plain_member(member) for member in file.members))


def _one_a_row(labels: Array, where: str, *, valued: bool) -> Array:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if valued:
        return labels.astype(np.int64) if labels.dtype.kind == "b" else labels
    if labels.ndim == 2 and one_hot(labels):
        return np.asarray(labels.argmax(axis=1))
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8")
    if labels.dtype.kind == "b":
        return labels.astype(np.int64)
    if labels.dtype.kind != "f":
        return labels
    broken = ~(np.isfinite(labels) & (labels == np.floor(labels)))
    if not broken.any():
        return labels.astype(np.int64)
    row = tuple(int(place) for place in np.argwhere(broken)[0])
    raise PredictionsError(
        f"{where} are real numbers ({labels[row]:g} in row {row[0]}), as of a regression, and the predictions are of "
        "classes; give predictions as `values`, or say --kind values"
    )


def _plain_member(member: CollectedMember) -> CollectedMember:
    if member.form != "top1":
        return member
    said = {}
    for split, each in member.said.items():
        array = each.parts[""]
        if array.dtype.kind == "f" and (array == np.floor(array)).all():
            array = array.astype(np.int64)
        said[split] = replace(each, parts={"": array})
    return replace(member, said=said)


def _names_in(files: Sequence[PredictionFile], arrays: Sequence[Array], width: int | None) -> tuple[str, ...]:
    """Names of the classes, sorted, where labels are the only ones that tell them."""
    names = sorted({str(name) for array in arrays for name in np.unique(array).tolist()})
    if all(name.lstrip("-").isdigit() for name in names):
        names.sort(key=int)
    if width is not None and len(names) != width:
        raise PredictionsError(
            f"{files[0].path}: labels name {len(names)} classes ({', '.join(names[:6])}, …) and predictions "
            f"have {width}; give the names of all in their order, as an array `classes` or in the names of the columns"
        )
    return tuple(names)


def _by_name(file: PredictionFile, names: tuple[str, ...], *, places: bool = False) -> PredictionFile:
    """The file with names as indices.

    Args:
        file: with labels as names, or as indices.
        names: of the classes.
        places: whether labels elsewhere count the classes from zero, as those here do where all of them can.
    """
    place = {name: index for index, name in enumerate(names)}

    def indices(array: Array, where: str) -> Array:
        if array.ndim != 1 or array.dtype.kind not in "iuU":
            return array
        if array.dtype.kind != "U" and not _are_names([array], names):
            return array
        array = array.astype(str)
        unknown = [name for name in np.unique(array).tolist() if name not in place]
        if (unknown or places) and all(name.isdigit() and int(name) < len(names) for name in np.unique(array).tolist()):
            return array.astype(np.int64)
        if unknown:
            raise PredictionsError(f"{where}: {unknown[0]!r} is no class; the classes are {', '.join(names[:20])}")
        return np.array([place[name] for name in array.tolist()], dtype=np.int64)

    rows = {
        split: {**known, "labels": indices(known["labels"], file.where(split, "labels"))}
        for split, known in file.rows.items()
    }
    members = tuple(
        replace(
            member,
            said={
                split: replace(said, parts={"": indices(said.parts[""], said.where)})
                for split, said in member.said.items()
            },
        )
        if member.form == "top1"
        else member
        for member in file.members
    )
    return replace(file, rows=rows, members=members, names=names)


def _from_zero(
    files: list[PredictionFile], arrays: Sequence[Array], width: int | None, asked: Asked
) -> list[PredictionFile]:
    """The files with labels 1 to C, or others in their order, as indices: all C of them must occur."""
    different = sorted({int(value) for array in arrays for value in np.unique(array).tolist()})
    if width is not None and different and different[0] == 1 < width - 1 and different[-1] < width:
        shown = f"{different[0]} to {different[-1]} of {width}"
        asked.note(files[0].path, f"no row is of class 0, labels are {shown}; if they count from 1, give `classes`")
    if width is None or not different or (different[0] >= 0 and different[-1] < width):
        return files
    if len(different) != width or (different[0] < 0 and different != [-1, 1]):
        return files
    names = tuple(map(str, different))
    shown = ", ".join(names[:6]) + (", …" if width > 6 else "")
    for file in files:
        split = next(iter(file.rows))
        asked.note(file.path, f"{prefix(split)}labels {shown} are the classes in this order")
    return [_by_name(file, names) for file in files]
