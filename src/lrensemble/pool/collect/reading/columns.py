"""What the columns of a table are: a row a sample, and a column a class, one for class 1, or one a model."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.pool.collect.names import LAYOUTS, BySplit, GivenForm
from lrensemble.pool.collect.reading.families import Family, families, model_names, says_prediction
from lrensemble.pool.collect.reading.held import OVERRIDES, Arrays, Asked, Held
from lrensemble.pool.collect.reading.kinds import class_values, one_hot, single_form
from lrensemble.pool.collect.reading.layout import unclear
from lrensemble.pool.collect.reading.one_column import of_class_one
from lrensemble.pool.collect.reading.roles import role_of, words_of

Table = dict[str, NDArray[Any]]


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
    if id_name := row_ids(held, asked, found, rest):
        taken.append(f"`{id_name}` as id")
    truth = _truth_by_name(held, asked, rest, outside)
    if "labels" in outside:
        found |= outside
    elif truth is not None:
        found["labels"] = rest.pop(truth)
    for name in [name for name in rest if role_of(name) in ("groups", "weights") and name not in asked.columns]:
        found[str(role_of(name))] = rest.pop(name)
    candidates = _candidates(rest, asked)
    read = _as_families(held, asked, found, candidates, rest) or _as_models(held, asked, found, candidates, rest)
    if read is None:
        raise PredictionsError(_no_predictions(held, found))
    said, late_truth = read
    truth = truth or late_truth
    taken = [said, *([f"`{truth}` as truth"] if truth and "labels" not in outside else []), *taken]
    asked.note(held.path, f"took {', '.join(taken)}; {OVERRIDES}")
    return {"val": found}


def row_ids(held: Held, asked: Asked, found: Arrays, rest: Table) -> str | None:
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
    if {"file", "row"} <= set(rest):
        found["ids"] = np.array([f"{a}:{b}" for a, b in zip(rest.pop("file"), rest.pop("row"), strict=True)])
        return "file, row"
    return None


def as_names(array: NDArray[Any]) -> NDArray[Any]:
    """Names of rows; whole numbers as such, also where a missing cell made them real."""
    if array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.floor(array)).all():
        return array.astype(np.int64)
    return array


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
            f"{held.path}: {' and '.join(kept)} may all be the truth; say which with --truth NAME (it holds {held.listing()})"
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
    if asked.form in ("values", "top1"):
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


def _store(found: Arrays, own: Sequence[Family], numbers: Table) -> None:
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
        values = {str(value) for value in np.unique(as_names(column)).tolist()} - {"", "nan"}
        if values and (values <= allowed or values <= places):
            left.append(name)
    if len(left) > 1:
        raise PredictionsError(
            f"{held.path}: {' and '.join(left)} may all be the truth; say which with --truth NAME (it holds {held.listing()})"
        )
    return left[0] if left else None


def _as_models(
    held: Held, asked: Asked, found: Arrays, candidates: Table, rest: Table
) -> tuple[str, str | None] | None:
    """A column a model, or one alone: what was taken, and the truth where it is what was left."""
    late = None
    if "labels" not in found:
        late = _binary_left(candidates) if not asked.columns else None
        if late is not None:
            found["labels"] = rest[late]
    truth = found.get("labels")
    columns = {name: column for name, column in candidates.items() if column.ndim == 1 and name != late}
    forms: dict[str, GivenForm] = {}
    for name, column in columns.items():
        form = asked.form or ("logits" if _says_logit(name) else None) or single_form(column, truth)
        if form is not None:
            forms[name] = form
    chosen = list(forms) if asked.columns else _most_telling(forms, columns)
    if not chosen:
        if (
            columns
            and len(columns) < 4
            and truth is not None
            and any(column.dtype.kind in "fiu" for column in columns.values())
        ):
            raise PredictionsError(
                unclear(held, np.stack([c for c in columns.values() if c.dtype.kind in "fiu"], 1), truth)
            )
        return None
    kinds = {forms[name] for name in chosen}
    if len(kinds) > 1:
        each = ", ".join(f"{name} ({forms[name]})" for name in chosen)
        raise PredictionsError(
            f"{held.path}: {each} are of several kinds; say which with --columns NAME,NAME (it holds {held.listing()})"
        )
    form = kinds.pop()
    _store_models(found, {name: columns[name] for name in chosen}, form)
    noun = {"probs": "probability of class", "logits": "logit of class", "top1": "labels", "values": "values"}[form]
    if form in ("probs", "logits"):
        noun = f"{noun} {_of_class(chosen[0], found)[1]}"
    what = "" if len(chosen) == 1 else f" of {len(chosen)} models"
    shown = ", ".join(chosen[:6]) + (", …" if len(chosen) > 6 else "")
    return f"{shown} as {noun}{what}", late


def _says_logit(name: str) -> bool:
    return bool({"logit", "logits"} & set(words_of(name)))


def _most_telling(forms: dict[str, GivenForm], columns: Table) -> list[str]:
    """Of columns that may be predictions, those whose names say so; labels only where there is nothing better."""
    named = [name for name in forms if says_prediction(name) and role_of(name) != "top1"]
    real = [name for name in forms if columns[name].dtype.kind == "f" and forms[name] != "top1"]
    hard = [name for name in forms if role_of(name) == "top1"]
    soft = [name for name in named if forms[name] != "top1"]
    return soft or named or hard or real or list(forms)


def _binary_left(candidates: Table) -> str | None:
    """The one column that is of two classes, beside real numbers."""
    two = [
        name
        for name, column in candidates.items()
        if column.ndim == 1
        and len(values := class_values(column) or []) == 2
        and (column.dtype.kind in "bU" or values == [0, 1])
        and not says_prediction(name)
        and role_of(name) != "top1"
    ]
    return two[0] if len(two) == 1 else None


def _store_models(found: Arrays, columns: Table, form: GivenForm) -> None:
    arrays = list(columns.values())
    if form in ("probs", "logits", "log_probs"):
        flipped, _ = _of_class(next(iter(columns)), found)
        arrays = [of_class_one(column, form) for column in arrays]
        arrays = [array[:, ::-1] if flipped else array for array in arrays]
    elif form == "top1":
        arrays = [as_names(column) for column in arrays]
        if any(array.dtype.kind == "U" for array in arrays):
            arrays = [array.astype(str) for array in arrays]
    if len(arrays) == 1:
        found[LAYOUTS[form].main[0]] = arrays[0]
        return
    found[LAYOUTS[form].main[0]] = np.stack(arrays)
    found["names"] = np.array(model_names(list(columns)))


def _of_class(name: str, found: Arrays) -> tuple[bool, str]:
    """Whether one column speaks of the first class, and the name of the class that it speaks of."""
    truth = found.get("labels")
    classes = [] if truth is None else list(map(str, class_values(truth) or []))
    if len(classes) != 2:
        return False, "1"
    word = words_of(name)[-1:]
    for place, each in enumerate(classes):
        if word == words_of(each):
            return place == 0, each
    return False, classes[1]


def _no_predictions(held: Held, found: Arrays) -> str:
    missing = "" if "labels" in found else " and no truth, which may tell what they are (--truth NAME, or --truth FILE)"
    return (
        f"{held.path} holds {held.listing()}: no predictions are clear among them{missing}; "
        "name them with --columns NAME,NAME and say what they are with --kind probs|logits|labels|values"
    )


def divided(arrays: Arrays, split_of_row: NDArray[Any]) -> BySplit:
    """Rows by the split that a column says of each."""
    found: BySplit = {}
    members = "names" in arrays
    of_all = ("classes", "outputs", "names")
    for split, words in (("val", ("val", "valid", "validation", "dev", "oof", "eval")), ("test", ("test", "testing"))):
        rows = np.isin(np.char.lower(split_of_row.astype(str)), words)
        if rows.any():
            found[split] = {
                name: array[:, rows] if members and name not in ("labels", "ids", "groups", "weights") else array[rows]
                for name, array in arrays.items()
                if name not in of_all
            }
    found.setdefault("val", {}).update({name: arrays[name] for name in of_all if name in arrays})
    return found


def split_column(held: Held) -> str | None:
    """The column that says for each row whether it is one to choose or to test on."""
    words = set(itertools.chain(("val", "valid", "validation", "dev", "oof", "eval", "test", "testing", "train")))
    for name, column in held.arrays.items():
        if role_of(name) == "split" and column.dtype.kind == "U":
            values = {value.lower() for value in np.unique(column).tolist()}
            if values <= words and len(values) > 1:
                return name
    return None
