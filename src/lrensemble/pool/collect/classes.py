"""Classes that files have in another order: columns and labels are put in one, by the names of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lrensemble.pool.collect.files import PredictionFile
from lrensemble.pool.collect.members import CollectedMember
from lrensemble.pool.collect.names import DENSE, OF_VALUES
from lrensemble.pool.collect.reading.held import Asked
from lrensemble.pool.collect.rounded import sums_of_rounded

Indices = NDArray[np.int64]


def in_one_order(files: Sequence[PredictionFile], before: tuple[str, ...], asked: Asked) -> list[PredictionFile]:
    """The files with their classes, or outputs, in the order of the pool, or else of the first that names them.

    Args:
        files: with labels as indices.
        before: names of the classes of a pool that is there already.
        asked: what was put in order is noted there.
    """
    wanted = before or next((file.names for file in files if file.names), ())
    return [_ordered(file, wanted, asked) for file in files]


def _ordered(file: PredictionFile, wanted: tuple[str, ...], asked: Asked) -> PredictionFile:
    if file.names == wanted or sorted(file.names) != sorted(wanted) or len(set(wanted)) < len(wanted):
        return file
    order = np.array([file.names.index(name) for name in wanted], dtype=np.int64)
    asked.note(file.path, "columns are put in the order of the other files' classes, by their names")
    valued = file.members[0].form in OF_VALUES
    place = np.argsort(order)
    rows = {}
    for split, known in file.rows.items():
        labels = known["labels"]
        if valued:
            labels = labels[:, order] if labels.ndim == 2 else labels
        elif labels.ndim == 1 and labels.dtype.kind in "iu" and labels.min() >= 0 and labels.max() < len(order):
            labels = place[labels]
        rows[split] = {**known, "labels": labels}
    return replace(
        file, rows=rows, names=wanted, members=tuple(_columns(member, order, place) for member in file.members)
    )


def _columns(member: CollectedMember, order: Indices, place: Indices) -> CollectedMember:
    said = {}
    for split, each in member.said.items():
        if member.form in DENSE:
            said[split] = replace(each, columns=order) if each.parts[""].shape[1] == len(order) else each
            continue
        parts = dict(each.parts)
        if member.form in OF_VALUES:
            parts = {part: array[:, order] if array.shape[1] == len(order) else array for part, array in parts.items()}
        elif member.form in ("top1", "top_k") and parts[""].min() >= 0 and parts[""].max() < len(order):
            parts[""] = place[parts[""]]
        said[split] = replace(each, parts=parts)
    return replace(member, said=said)


def with_sums_of_one(files: Sequence[PredictionFile], asked: Asked) -> list[PredictionFile]:
    """The files with rounded probabilities normalised; how far they were off is noted."""
    found = []
    for file in files:
        off = 0.0
        members = []
        for member in file.members:
            said = dict(member.said)
            for split, each in member.said.items() if member.form == "probs" else ():
                if "choices" in file.rows[split]:
                    continue  # what is said beyond a row's own answers counts nowhere
                sums, by = sums_of_rounded(each)
                off = max(off, by)
                said[split] = replace(each, sums=sums)
            member.release()
            members.append(replace(member, said=said))
        if off:
            asked.note(file.path, f"probabilities that sum to one but for {off:.1g} at most are normalised")
        found.append(replace(file, members=tuple(members)))
    return found
