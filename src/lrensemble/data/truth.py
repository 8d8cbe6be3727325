"""What columns of a file say of the truth: one of some classes, or real numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.data.source import classes_of, numbered_classes
from lrensemble.errors import DataError
from lrensemble.targets import Target, TruthKind, Values

Kind = TruthKind

FEW = 20
"""Different whole numbers of a column at most that leave open whether they are classes or values: grades, say."""


def truth_of(
    columns: NDArray[Any],
    kind: Kind | None,
    source: str,
    *,
    classes: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
) -> tuple[NDArray[Any], Target]:
    """Truth [sample] of classes, or [sample, output] of values, and its target.

    Unless `kind` says it, texts are classes, and so are whole numbers of an integer type; numbers with fractions and
    several columns are values. Numbers of a floating-point type that could as well be class indices are refused: as
    values they would be learned without complaint, and as something else.

    Args:
        columns: [sample] or [sample, output].
        kind: what they are.
        source: for errors.
        classes: names by index, if the truth is classes.
        outputs: names, if the truth is values.

    Raises:
        DataError: neither is possible, or both are and it must be said.
    """
    if columns.ndim not in (1, 2) or not len(columns) or 0 in columns.shape:
        raise DataError(f"{source}: labels have shape {columns.shape}; give one a row, or numbers [sample, output]")
    found = kind or _kind_of(columns, source)
    if found == "values":
        values = _values(columns, source)
        return values, Values(names=_output_names(outputs, values.shape[1], source))
    labels = columns[:, 0] if columns.ndim == 2 and columns.shape[1] == 1 else columns
    if labels.ndim == 2:
        raise DataError(f"{source}: labels have shape {labels.shape}; give one a row")
    return _classes(labels, classes, source)


def _kind_of(columns: NDArray[Any], source: str) -> Kind:
    if columns.dtype.kind != "f":
        return "classes"
    if columns.ndim == 2 and columns.shape[1] > 1:
        one_hot = np.isin(columns, (0, 1)).all() and (columns.sum(axis=1) == 1).all()
        return _ask("a single 1 in every row", source) if one_hot else "values"
    if whole := _whole_numbers(columns):
        return _ask(whole, source)
    return "values"


def runs_from_zero(different: NDArray[Any]) -> bool:
    """Whether sorted numbers are 0, 1, 2, … without a gap, as class indices are."""
    return len(different) > 1 and bool((different == np.arange(len(different))).all())


def _whole_numbers(columns: NDArray[Any]) -> str:
    """Whole numbers of one column that may be class indices, in words; empty where they are not."""
    if not np.isfinite(columns).all() or (columns != np.floor(columns)).any():
        return ""
    different = np.unique(columns)
    if len(different) > FEW and not runs_from_zero(different):
        return ""
    return f"{len(different)} whole numbers from {different[0]:g} to {different[-1]:g}"


def _ask(what: str, source: str) -> Kind:
    raise DataError(f"{source}: labels hold {what}; say what they are: kind = 'classes' or kind = 'values'")


def _values(columns: NDArray[Any], source: str) -> NDArray[np.float64]:
    if columns.dtype.kind not in "buif":
        raise DataError(f"{source}: labels are {columns.dtype}; values are numbers")
    values = columns.astype(np.float64)
    return values[:, None] if values.ndim == 1 else values


def _classes(labels: NDArray[Any], names: Sequence[str] | None, source: str) -> tuple[NDArray[np.int64], Target]:
    """Class indices [sample] and their target."""
    if labels.dtype.kind == "U":
        known, indices = np.unique(labels, return_inverse=True)
        return indices.astype(np.int64), classes_of(str(name) for name in known)
    if labels.dtype.kind == "b":
        labels = labels.astype(np.int64)
    if labels.dtype.kind == "f" and (labels == np.floor(labels)).all() and np.isfinite(labels).all():
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "iu":
        raise DataError(f"{source}: labels are {labels.dtype}; give integers from 0, or texts")
    if names is None:
        names = numbered_classes(int(labels.max()), len(labels), source)
    return labels.astype(np.int64), classes_of(names)


def _output_names(given: Sequence[str] | None, count: int, source: str) -> tuple[str, ...]:
    names = given or (["y"] if count == 1 else [f"y{place}" for place in range(count)])
    if len(names) != count or len(set(names)) != count:
        raise DataError(f"{source}: outputs are named {', '.join(names)}; give {count} different names")
    return tuple(names)
