"""What the columns of a table are: a row a sample, and a column a class, one for class 1, or one a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.pool.collect.names import BY_COLUMN, LAYOUTS, BySplit
from lrensemble.pool.collect.reading.families import ClassColumns, families, model_names, says_prediction
from lrensemble.pool.collect.reading.held import OVERRIDES, Arrays, Asked, Held, Table, as_names
from lrensemble.pool.collect.reading.kinds import class_values, one_hot
from lrensemble.pool.collect.reading.models import as_models
from lrensemble.pool.collect.reading.outputs import take_outputs
from lrensemble.pool.collect.reading.roles import role_of, words_of
from lrensemble.pool.collect.reading.truth_columns import take_truth_columns
from lrensemble.pool.collect.reading.written_numbers import unread_number


def arrange_table(held: Held, asked: Asked, outside: Arrays) -> BySplit:
    """Arrays of a table's columns by split and content.

    Args:
        held: columns of a table.
        asked: what the caller said of them.
        outside: truth, and ids, from elsewhere.

    Raises:
        PredictionsError: what is unclear; all columns are listed.
    """
    for what, name in (("--truth", asked.truth), ("--id", asked.id), *(("--columns", each) for each in asked.columns)):
        if name is not None and name not in held.arrays:
            raise PredictionsError(f"{held.path} holds no {name!r}, which {what} names; it holds {held.listing()}")
    found: Arrays = {}
    taken: list[str] = []
    rest = dict(held.arrays)
    if id_name := row_ids(asked, found, rest):
        taken.append(f"`{id_name}` as id")
    truth = _truth_by_name(held, asked, rest, outside)
    if "labels" in outside:
        found |= outside
    elif truth is not None:
        found["labels"] = rest.pop(truth)
    else:
        truth = take_truth_columns(held.path, found, rest)
    for name in [name for name in rest if role_of(name) in ("groups", "weights") and name not in asked.columns]:
        found[str(role_of(name))] = rest.pop(name)
    if "labels" not in found and (of_outputs := take_outputs(asked, found, rest)):
        asked.note(held.path, f"took {', '.join([of_outputs, *taken])}; {OVERRIDES}")
        return {"val": found}
    candidates = _candidates(rest, asked)
    read = _read(held, asked, found, candidates, rest)
    said, late_truth = read
    truth = truth or late_truth
    taken = [said, *([f"`{truth}` as truth"] if truth and "labels" not in outside else []), *taken]
    asked.note(held.path, f"took {', '.join(taken)}; {OVERRIDES}")
    return {"val": found}


def _read(held: Held, asked: Asked, found: Arrays, candidates: Table, rest: Table) -> tuple[str, str | None]:
    """Take the predictions: what was taken, and the truth where it is what was left.

    Raises:
        PredictionsError: what is unclear.
    """
    try:
        read = _as_families(held, asked, found, candidates, rest) or as_models(held, asked, found, candidates, rest)
        if read is None:
            raise PredictionsError(_no_predictions(held, found))
    except PredictionsError as error:
        raise PredictionsError(unread_number(held) or str(error)) from None
    return read


def row_ids(asked: Asked, found: Arrays, rest: Table) -> str | None:
    """Take the column of the names of rows; its name, or None where there is none."""
    if asked.id is not None:
        found["ids"] = as_names(rest.pop(asked.id))
        return asked.id
    named = [name for name in rest if role_of(name) == "ids" or words_of(name)[-1:] == ["id"]]
    named = [name for name in named if name not in (asked.truth, *asked.columns) and rest[name].ndim == 1]
    named.sort(key=lambda name: (words_of(name) != ["id"], role_of(name) != "ids"))
    for name in named:
        ids = as_names(rest[name])
        unique = ids.dtype.kind in "iuU" and len(np.unique(ids)) == len(ids)
        if unique or words_of(name) in (["id"], ["ids"]):
            found["ids"] = ids
            for other in named:
                rest.pop(other)
            return name
    several = sorted(name for name in named if rest[name].dtype.kind in "iuU")
    if len(several) > 1 and len({*(together := _together([rest[name] for name in several]))}) == len(together):
        for name in named:
            rest.pop(name)
        found["ids"] = np.array(together)
        return ", ".join(several)
    if {"file", "row"} <= set(rest):
        found["ids"] = np.array([f"{a}:{b}" for a, b in zip(rest.pop("file"), rest.pop("row"), strict=True)])
        return "file, row"
    return None


def _together(columns: Sequence[NDArray[Any]]) -> list[str]:
    """Names of rows of which each column says a part: a user and an item."""
    return [":".join(map(str, parts)) for parts in zip(*(column.tolist() for column in columns), strict=True)]


def shared_key(one: Table, other: Table) -> str | None:
    """The column by whose name and cells two tables name the same rows, whatever it is called; None if there is none.

    Args:
        one: all of whose rows are wanted.
        other: which may have more.
    """
    for name, column in one.items():
        theirs = other.get(name)
        if (
            theirs is None
            or {column.dtype.kind, theirs.dtype.kind} - set("iuU")
            or column.ndim != 1
            or theirs.ndim != 1
        ):
            continue
        mine, known = set(map(str, column.tolist())), set(map(str, theirs.tolist()))
        if len(mine) == len(column) > 1 and len(known) == len(theirs) and mine <= known:
            return name
    return None


def _truth_by_name(held: Held, asked: Asked, rest: Table, outside: Arrays) -> str | None:
    if asked.truth is not None:
        return asked.truth
    if "labels" in outside:
        for name in [name for name in rest if role_of(name) == "labels" and name not in asked.columns]:
            if not (rest[name].dtype.kind == "f" and says_one_of(outside["labels"], rest[name])):
                rest.pop(name)
        return None
    named = [name for name in rest if role_of(name) == "labels" and name not in asked.columns]
    if "label" in named and any(name.startswith("p:") for name in rest):  # a table that `lrensemble predict` wrote
        rest.pop("label")
        named.remove("label")
    kept = [
        name for place, name in enumerate(named) if not any(_same(rest[name], rest[other]) for other in named[:place])
    ]
    if len(kept) > 1:
        raise PredictionsError(
            f"{held.path}: {' and '.join(kept)} may all be the truth; say which with --truth NAME "
            f"(it holds {held.listing()})"
        )
    for name in named[1:]:
        rest.pop(name)
    return kept[0] if kept else None


def says_one_of(truth: NDArray[Any], column: NDArray[Any]) -> bool:
    """Whether a column that is named as a truth is one of predictions, as in files of a competition."""
    return truth.ndim == 1 and len(truth) == len(column) and not np.array_equal(truth, column)


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one.dtype.kind == other.dtype.kind and np.array_equal(one, other)


def _candidates(rest: Table, asked: Asked) -> Table:
    """Columns that may be predictions."""
    if asked.columns:
        return {name: rest[name] for name in asked.columns if name in rest}
    return {name: column for name, column in rest.items() if role_of(name) not in ("ignored", "split", "ids", "names")}


def _as_families(
    held: Held, asked: Asked, found: Arrays, candidates: Table, rest: Table
) -> tuple[str, str | None] | None:
    """A column a class, of one model or several: what was taken, and the truth where it is what was left."""
    lists = [name for name, column in candidates.items() if column.ndim == 2 and column.shape[1] > 1]
    numbers = {name: column for name, column in candidates.items() if column.ndim == 1 and column.dtype.kind in "fiub"}
    if lists:
        expanded = {f"{name}_{k}": candidates[name][:, k] for name in lists for k in range(candidates[name].shape[1])}
        numbers = expanded if asked.columns else {**numbers, **expanded}
    truth = found.get("labels")
    values = None if truth is None else class_values(truth)
    known = () if values is None or truth is None or one_hot(truth) else tuple(map(str, values))
    if asked.form in BY_COLUMN:
        return None
    if truth is None:
        known = _classes_left(candidates)
    own = families(numbers, truth, known, asked.form)
    if not own:
        return None
    used = {name for each in own for name in each.columns}
    late = None if truth is not None else _truth_left(held, rest, used | set(lists), own[0].classes)
    if late is not None:
        found["labels"] = rest[late]
    _store(found, own, numbers)
    shown = f"{own[0].columns[0]} … {own[0].columns[-1]}" if len(own[0].columns) > 2 else ", ".join(own[0].columns)
    classes = _range(own[0].classes)
    models = f" of {', '.join(str(name) for name in found['names'])}" if len(own) > 1 else ""
    form = "" if own[0].form == "probs" else f" ({own[0].form})"
    return f"{shown} as classes {classes}{models}{form}", late


def _store(found: Arrays, own: Sequence[ClassColumns], numbers: Table) -> None:
    arrays = [each.stacked(numbers) for each in own]
    main = LAYOUTS[own[0].form].main[0]
    if len(own) == 1:
        found[main] = arrays[0]
    else:
        found[main], found["names"] = np.stack(arrays), np.array(model_names([each.stem for each in own]))
    classes, truth = own[0].classes, found.get("labels")
    found["classes"] = np.array(classes)
    if truth is not None and truth.ndim == 1 and truth.dtype.kind in "iuf":
        names = as_names(truth)
        by_name = {str(name) for name in np.unique(names).tolist()} - {"nan"}
        if by_name <= set(classes):
            found["labels"] = np.array([str(name) if name == name else "" for name in names.tolist()])


def _range(classes: Sequence[str]) -> str:
    if len(classes) > 2 and all(name.isdigit() for name in classes):
        return f"{classes[0]}-{classes[-1]}"
    return ", ".join(classes[:6]) + (", …" if len(classes) > 6 else "")


def _classes_left(candidates: Table) -> tuple[str, ...]:
    """Names of classes, where one column of texts may be the truth."""
    texts = [column for column in candidates.values() if column.dtype.kind == "U"]
    different = [np.unique(column).tolist() for column in texts]
    few = [names for names in different if 2 <= len(names) <= 1000]
    return tuple(few[0]) if len(few) == 1 else ()


def _truth_left(held: Held, rest: Table, used: set[str], classes: Sequence[str]) -> str | None:
    """The one column that is left and holds nothing but classes."""
    allowed, places = set(classes), set(map(str, range(len(classes))))
    left = []
    for name, column in rest.items():
        if name in used or column.ndim != 1 or role_of(name) in ("top1", "ignored", "split", "ids", "names"):
            continue
        if says_prediction(name):
            continue
        values = {str(value) for value in np.unique(as_names(column)).tolist()} - {"", "nan"}
        if values and (values <= allowed or values <= places):
            left.append(name)
    if len(left) > 1:
        raise PredictionsError(
            f"{held.path}: {' and '.join(left)} may all be the truth; say which with --truth NAME "
            f"(it holds {held.listing()})"
        )
    return left[0] if left else None


def _no_predictions(held: Held, found: Arrays) -> str:
    missing = "" if "labels" in found else " and no truth, which may tell what they are (--truth NAME, or --truth FILE)"
    return (
        f"{held.path} holds {held.listing()}: no predictions are clear among them{missing}; "
        "name them with --columns NAME,NAME and say what they are with --kind probs|logits|labels|values"
    )
