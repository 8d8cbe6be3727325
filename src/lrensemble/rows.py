"""Rows: how often they count, which are drawn or in a fold, which is which by an index; and those nobody may change."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError

PRECISION = 52
"""Bits of the sum of the weights that each is rounded to."""

SMALLEST = 1074
"""No float64 but zero is below two to the power of minus this."""


def unmasked(given: Any, name: str) -> Any:
    """What is given, if no part of it is masked: numpy drops a mask without a word, and what was hidden would count.

    Raises:
        PredictionsError: values are masked.
    """
    if np.ma.is_masked(given):
        raise PredictionsError(
            f"{name}: some values are masked, and so are none; fill them in, or leave these rows out"
        )
    return given


Orders = Literal["as they are", "by index", "unclear", "of others"]
"""How rows of two things belong together: by place, by their index, either of the two, or not at all."""


def orders_of(one: Any, other: Any) -> Orders:
    """How the rows of two things belong together, where both have an index of pandas.

    An index that counts from zero is what pandas gives rows that nobody named: beside names of rows it says nothing,
    and rows go by place. Beside the same numbers in another order it may say either. A part of such an index counts
    from elsewhere, and says nothing beside names of another kind: texts, or dates.
    """
    ours, theirs = index_of(one), index_of(other)
    if ours is None or theirs is None or len(ours) != len(theirs) or ours.equals(theirs):
        return "as they are"
    same = ours.is_unique and theirs.is_unique and bool(theirs.isin(ours).all())
    if any(np.array_equal(np.asarray(each), np.arange(len(each))) for each in (ours, theirs)):
        return "unclear" if same else "as they are"
    if same:
        return "by index"
    return "as they are" if _of_two_kinds(ours, theirs) else "of others"


def _of_two_kinds(one: Any, other: Any) -> bool:
    """Whether one of two indexes counts rows, and the other names them by texts or dates that are no such numbers."""
    for counted, named in ((one, other), (other, one)):
        places = np.asarray(counted)
        if (
            places.dtype.kind in "iu"
            and bool((np.diff(places) == 1).all())
            and np.asarray(named).dtype.kind not in "biuf"
        ):
            return not set(map(str, named)) & set(map(str, places.tolist()))
    return False


def index_of(given: Any) -> Any:
    """The index of a frame or a column of pandas; None of anything else, or where a row has several names."""
    index = getattr(given, "index", None) if hasattr(type(given), "iloc") else None
    return index if index is not None and index.nlevels == 1 else None


def shown_index(given: Any) -> str:
    """The first names of rows, as errors give them."""
    index = index_of(given)
    return ", ".join(map(str, index[:3])) + (", …" if len(index) > 3 else "")


def check_weights(weights: NDArray[Any], rows: int, name: str = "weights") -> NDArray[np.float64]:
    """Weights of rows [sample] in float64, whose sums are exact in whatever order they are added.

    Each is rounded to 2^-52 of their sum, at least, which leaves whole numbers as they are: what is equal, or zero, by
    one way to add is so by any other.

    Raises:
        PredictionsError: not one number a row, negative, not finite, or all zero.
    """
    if weights.shape != (rows,) or weights.dtype.kind not in "biuf":
        raise PredictionsError(
            f"{name} are {weights.dtype} of shape {weights.shape}; give one number for each of {rows} rows"
        )
    bad = np.flatnonzero(~((weights >= 0) & (weights < np.inf)))
    if len(bad):
        row = int(bad[0])
        raise PredictionsError(f"{name}: {weights[row]} in row {row} is refused; give finite numbers, not negative")
    if float(weights.max()) > np.finfo(np.float64).max / rows:
        raise PredictionsError(f"{name} sum to more than any number can hold; divide them by their mean")
    if not weights.any():
        raise PredictionsError(f"{name} of all {rows} rows are zero; at least one row must count")
    given = weights.astype(np.float64)
    total = given.sum()
    if total <= 2.0**PRECISION and (given == np.floor(given)).all():
        return given
    shift = min(PRECISION - int(np.ceil(np.log2(total))), SMALLEST)
    return np.asarray(np.ldexp(np.round(np.ldexp(given, shift)), -shift))


def check_groups(groups: NDArray[Any], rows: int, name: str = "groups") -> None:
    """Refuse what is not one group a row.

    Raises:
        PredictionsError: another number of rows, or neither integers nor strings.
    """
    if groups.shape != (rows,):
        raise PredictionsError(f"{name} have shape {groups.shape}; there are {rows} rows, so give [{rows}]")
    if groups.dtype.kind not in "iuU" and not all(isinstance(group, str) for group in groups.tolist()):
        raise PredictionsError(f"{name} are {groups.dtype}; give integers or strings")


def repeated(weights: NDArray[np.float64], reason: str) -> NDArray[np.int64]:
    """The places of rows, each as often as it counts [sample].

    Raises:
        PredictionsError: a weight is no whole number; the message begins with the reason.
    """
    fractions = np.flatnonzero(weights != np.floor(weights))
    if len(fractions):
        row = int(fractions[0])
        raise PredictionsError(f"{reason}, and row {row} has weight {weights[row]:g}; give whole numbers")
    return np.repeat(np.arange(len(weights)), weights.astype(np.int64))


def read_only(rows: Any) -> Any:
    """A view of an array that a function of somebody else cannot write to; anything but an array as it is.

    What is changed in place would be changed for all that read it afterwards, and no score would be true any more.
    """
    if not isinstance(rows, np.ndarray):
        return rows
    view = rows.view()
    view.flags.writeable = False
    return view


def sampled(rows: int, most: int) -> NDArray[np.int64]:
    """The places of all rows, or of so many drawn at random, the same ones every time; rising.

    Args:
        rows: how many there are.
        most: how many are taken at most; one at least.
    """
    if rows <= max(1, most):
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, max(1, most), replace=False))


def stratified_folds(
    labels: NDArray[np.int64], folds: int, seed: int | tuple[int, ...], counted: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """The fold of every row [sample]: rows in random order, classes spread evenly over the folds.

    Rows that are not counted [sample] stand in fold 0 and have no say.
    """
    rows = np.arange(len(labels)) if counted is None else np.flatnonzero(counted)
    order = rows[np.random.default_rng(seed).permutation(len(rows))]
    order = order[np.argsort(labels[order], kind="stable")]
    fold_of_row = np.zeros(len(labels), dtype=np.int64)
    fold_of_row[order] = np.arange(len(order)) % folds
    return fold_of_row
