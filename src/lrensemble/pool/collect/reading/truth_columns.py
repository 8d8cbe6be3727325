"""A truth of a column a class, zeros and ones: one-hot it is a class a row, else it is multi-label, and refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lrensemble.errors import PredictionsError
from lrensemble.pool.collect.reading.families import says_prediction, shared_start, without_class
from lrensemble.pool.collect.reading.held import Arrays, Table
from lrensemble.pool.collect.reading.roles import role_of

NO_TRUTH = ("ignored", "split", "ids", "groups", "weights", "names", "top1")


def take_truth_columns(path: Path, found: Arrays, rest: Table) -> str | None:
    """Take the columns of a truth that has one for each class; what they are called, or None where there are none.

    Args:
        path: of the file, for messages.
        found: where the labels go: names of classes [sample].
        rest: columns that nobody has taken.

    Raises:
        PredictionsError: rows of several classes, or of none.
    """
    names = [name for name in rest if _of_zeros_and_ones(name, rest)]
    start = shared_start(names) if len(names) > 1 else ""
    classes = [name[len(start) :] for name in names]
    others = [name for name, column in rest.items() if name not in names and column.dtype.kind == "f"]
    if len(names) < 2 or not all(_has_prediction(each, others) for each in classes):
        return None
    truth = np.stack([rest[name] for name in names], axis=1)
    several, none = (truth.sum(axis=1) > 1).sum(), (truth.sum(axis=1) == 0).sum()
    if several or none:
        raise PredictionsError(
            f"{path}: the truth stands in {', '.join(names)}, of which {several} of {len(truth)} rows have several and "
            f"{none} have none: multi-label truth is not supported; give one class a row (--truth NAME), or make a "
            f"pool a label (--truth {names[0]} --columns {_prediction(classes[0], others)})"
        )
    for name in names:
        rest.pop(name)
    found["labels"] = np.array(classes)[truth.argmax(axis=1)]
    return ", ".join(names) if len(names) < 4 else f"{names[0]} … {names[-1]}"


def _of_zeros_and_ones(name: str, columns: Table) -> bool:
    column = columns[name]
    return (
        column.ndim == 1
        and column.dtype.kind in "biuf"
        and bool(np.isin(column, (0, 1)).all())
        and role_of(name) not in NO_TRUTH
        and not says_prediction(name)
    )


def _has_prediction(of_class: str, others: list[str]) -> bool:
    return any(without_class(name, of_class) is not None for name in others)


def _prediction(of_class: str, others: list[str]) -> str:
    return next(name for name in others if without_class(name, of_class) is not None)
