"""A column a model, or one alone: probabilities of one class, labels or values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.pool.collect.names import LAYOUTS, NOUNS, OF_VALUES, GivenForm
from lrensemble.pool.collect.reading.confidence import predicted_class, require_of_class_one
from lrensemble.pool.collect.reading.families import model_names, says_prediction
from lrensemble.pool.collect.reading.held import Arrays, Asked, Held, Table, as_names
from lrensemble.pool.collect.reading.kinds import class_values, single_form
from lrensemble.pool.collect.reading.layout import unclear
from lrensemble.pool.collect.reading.one_column import of_class_one
from lrensemble.pool.collect.reading.roles import role_of, words_of
from lrensemble.pool.collect.reading.spreads import spreads_among


def as_models(held: Held, asked: Asked, found: Arrays, candidates: Table, rest: Table) -> tuple[str, str | None] | None:
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
    if asked.form is None and not asked.columns:
        chosen = _predictions_among(chosen, forms, columns, truth)
    if not chosen:
        _require_clear(held, columns, truth)
        return None
    form, chosen = _of_one_form(held, asked, forms, {name: columns[name] for name in chosen}, truth)
    classes = None if truth is None else class_values(truth)
    if form in OF_VALUES and asked.form is None and truth is not None and len(chosen) == len(classes or ()):
        raise PredictionsError(unclear(held, np.stack([columns[name] for name in chosen], axis=1), truth))
    predicted = _of_predicted_class(held, asked, form, {name: columns[name] for name in chosen}, truth)
    if predicted is not None:
        found["probs"] = of_class_one(predicted[1], form)
        return f"{chosen[0]} as probability of the class in `{predicted[0]}`", late
    _store(found, {name: columns[name] for name in chosen}, form)
    noun = NOUNS[form]
    if form in ("probs", "logits"):
        noun = f"{noun} {_of_class(chosen[0], found)[1]}"
    what = "" if len(chosen) == 1 else f" of {len(chosen)} models"
    shown = ", ".join(chosen[:6]) + (", …" if len(chosen) > 6 else "")
    return f"{shown} as {noun}{what}", late


def _of_predicted_class(
    held: Held, asked: Asked, form: GivenForm, columns: Table, truth: NDArray[Any] | None
) -> tuple[str, NDArray[Any]] | None:
    """`predicted_class` of one column of probabilities; several are those of class 1, or are refused."""
    if form != "probs" or asked.form is not None or truth is None:
        return None
    if len(columns) == 1 and (predicted := predicted_class(held, truth, next(iter(columns.values())))) is not None:
        return predicted
    for name, column in columns.items():
        require_of_class_one(held, name, truth, column)
    return None


def _predictions_among(
    chosen: list[str], forms: dict[str, GivenForm], columns: Table, truth: NDArray[Any] | None
) -> list[str]:
    """Columns that were taken for predictions; none of values, where each is farther from the truth than its mean.

    Such are features beside a truth of few whole numbers, unless a name says that they are predictions.
    """
    if not chosen or truth is None or any(forms[name] not in OF_VALUES or says_prediction(name) for name in chosen):
        return chosen
    if class_values(truth) is None or truth.dtype.kind not in "biuf":
        return chosen
    spread = float(np.nanvar(truth.astype(np.float64)))
    closer = (float(np.nanmean((columns[name].astype(np.float64) - truth) ** 2)) < spread for name in chosen)
    return chosen if any(closer) else []


def _without_spreads(held: Held, asked: Asked, columns: Table, truth: NDArray[Any] | None) -> list[str]:
    """Columns of values that are predictions themselves: of quantiles alone, the median.

    Raises:
        PredictionsError: all say how sure predictions are that are not there.
    """
    spreads, medians = spreads_among(columns, truth)
    if not spreads:
        return list(columns)
    kept = [name for name in columns if name not in (*spreads, *medians)] or medians
    shown = ", ".join(name for name in columns if name not in kept)
    what = "bounds, quantiles or deviations of predictions"
    if not kept:
        raise PredictionsError(f"{held.path}: {shown} look like {what}; name those to take with --columns NAME,NAME")
    asked.note(held.path, f"left out {shown}: {what}, which --columns takes all the same")
    return kept


def _of_one_form(
    held: Held, asked: Asked, forms: dict[str, GivenForm], columns: Table, truth: NDArray[Any] | None
) -> tuple[GivenForm, list[str]]:
    """The form that columns share, and those of them that are predictions.

    Raises:
        PredictionsError: they are of several forms, or none is a prediction.
    """
    kinds = {forms[name] for name in columns}
    if len(kinds) > 1:
        each = ", ".join(f"{name} ({forms[name]})" for name in columns)
        raise PredictionsError(
            f"{held.path}: {each} are of several kinds; say which with --columns NAME,NAME (it holds {held.listing()})"
        )
    form = kinds.pop()
    spreads = form in OF_VALUES and not asked.columns
    return form, _without_spreads(held, asked, columns, truth) if spreads else list(columns)


def _require_clear(held: Held, columns: Table, truth: NDArray[Any] | None) -> None:
    """Refuse few columns of numbers that may be predictions of any form."""
    numbers = [column for column in columns.values() if column.dtype.kind in "fiu"]
    if numbers and len(columns) < 4 and truth is not None:
        raise PredictionsError(unclear(held, np.stack(numbers, 1), truth))


def _says_logit(name: str) -> bool:
    return bool({"logit", "logits"} & set(words_of(name)))


def _most_telling(forms: dict[str, GivenForm], columns: Table) -> list[str]:
    """Columns that say by name that they are predictions; labels only where there is nothing better."""
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


def _store(found: Arrays, columns: Table, form: GivenForm) -> None:
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
