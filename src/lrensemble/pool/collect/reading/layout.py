"""What a file's arrays or columns are, under our names for them: predictions, truth, ids, of which rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.files import release
from lrensemble.pool.arrays import stacked
from lrensemble.pool.collect.names import ALL_FORMS, LAYOUTS, OF_ROWS, BySplit, placed, prefix
from lrensemble.pool.collect.reading.held import OVERRIDES, Arrays, Asked, Held
from lrensemble.pool.collect.reading.kinds import dense_form, distributes, one_hot, single_form
from lrensemble.pool.collect.reading.one_column import of_class_one
from lrensemble.pool.collect.reading.roles import PREDICTIVE, Role, half_of, role_of

OF_FORM: dict[Role, str] = {
    role: role for role in (*PREDICTIVE, "mean", "variance", "log_variance") if role != "predictions"
}
"""Array of ours that a role is read as, where it says the form."""
NOT_OF_ARRAYS: tuple[Role, ...] = ("split", "ignored")


def wanted_first(name: str) -> bool:
    """Whether an array's name says what it is, so that the others need not be read."""
    return placed(name) is not None or role_of(name) not in (None, *NOT_OF_ARRAYS)


def tells_predictions(names: list[str], asked: Asked) -> bool:
    """Whether some of the names of arrays are those of predictions."""
    if asked.columns or asked.truth or asked.id:
        return False
    return any(_canonical(name)[1] in (*ALL_FORMS, "predictions") for name in names)


def _canonical(name: str) -> tuple[str, str | None]:
    """Split and content of an array by its name, in any spelling; the content is None where the name says none."""
    place = placed(name)
    if place is not None:
        return place
    half, bare = half_of(name)
    role = role_of(bare or name)
    split = "test" if half == "test" else "train" if half == "train" else "val"
    return split, None if role in NOT_OF_ARRAYS else OF_FORM.get(role, role) if role else None


def arrange_arrays(held: Held, asked: Asked, outside: BySplit) -> BySplit:
    """Arrays by split and content.

    Args:
        held: what a file holds.
        asked: what the caller said of it.
        outside: truth and ids from elsewhere, by split.

    Raises:
        PredictionsError: two arrays for the same, or predictions of an unclear form; all arrays are listed.
    """
    found, taken, rest = _by_name(held, asked)
    if _move_lone_truth(found):
        taken = [each.replace(" as test_", " as ") for each in taken]
    for split, known in outside.items():
        found[split] = {**found.get(split, {}), **known} if "labels" in known else {**known, **found.get(split, {})}
    for split in ("val", "test"):
        if asked.columns:
            _named_models(held, asked, found.setdefault(split, {}), _asked_for(rest.get(split, {}), asked), taken)
        elif not any(form in found.get(split, {}) for form in (*ALL_FORMS, "predictions")):
            _named_models(held, asked, found.setdefault(split, {}), rest.get(split, {}), taken)
        if "predictions" in found.get(split, {}):
            _settle(held, asked, found[split], split, taken)
    found.pop("train", None)
    found = {split: arrays for split, arrays in found.items() if arrays}
    if taken:
        asked.note(held.path, f"took {', '.join(taken)}; {OVERRIDES}")
    return found


def _by_name(held: Held, asked: Asked) -> tuple[BySplit, list[str], dict[str, Arrays]]:
    """Arrays whose names say what they are, how they were read, and the others by split."""
    found: BySplit = {}
    origin: dict[tuple[str, str], str] = {}
    rest: dict[str, Arrays] = {}
    for name, array in sorted(held.arrays.items(), key=lambda each: placed(each[0]) is None):
        split, what = _canonical(name)
        if what == "outputs" and array.dtype.kind == "f" and array.ndim > 1:
            what = "predictions"
        if name in (asked.truth, asked.id):
            what = "labels" if name == asked.truth else "ids"
        elif name in asked.columns or (asked.truth and what == "labels") or (asked.id and what == "ids"):
            what = None
        if what is None:
            half, bare = half_of(name)
            rest.setdefault("test" if half == "test" else "train" if half == "train" else "val", {})[bare or name] = (
                array
            )
            continue
        before = origin.get((split, what))
        if before is not None:
            _refuse_both(held, split, what, before, name)
            continue
        if what == "ids" and placed(name) is None and (array.ndim != 1 or array.dtype.kind not in "iuU"):
            continue
        found.setdefault(split, {})[what] = array
        origin[split, what] = name
    taken = [
        f"`{name}` as {prefix(split)}{'truth' if what == 'labels' else 'id' if what == 'ids' else what}"
        for (split, what), name in origin.items()
        if (placed(name) is None or name in (asked.truth, asked.id)) and what != "predictions" and split != "train"
    ]
    _require_asked(held, asked)
    return found, taken, rest


def _require_asked(held: Held, asked: Asked) -> None:
    for what, name in (("--truth", asked.truth), ("--id", asked.id), *(("--columns", each) for each in asked.columns)):
        if name is not None and name not in held.arrays:
            raise PredictionsError(f"{held.path} holds no {name!r}, which {what} names; it holds {held.listing()}")


def _refuse_both(held: Held, split: str, what: str, before: str, name: str) -> None:
    one, other = held.arrays[before], held.arrays[name]
    if placed(before) is not None and placed(name) is None:
        return
    if placed(name) is not None:
        raise PredictionsError(f"{held.path} holds {prefix(split)}{what} under two names; leave {name} away")
    if one.shape != other.shape or not np.array_equal(one, other):
        option = {"labels": "--truth", "ids": "--id"}.get(what, "--columns")
        raise PredictionsError(
            f"{held.path}: both {before} and {name} may be the {'truth' if what == 'labels' else what}; "
            f"say which with {option} NAME (it holds {held.listing()})"
        )


def _move_lone_truth(found: BySplit) -> bool:
    """Whether `y_test` stood beside predictions of no said rows, whose truth it now is."""
    val, test = found.get("val", {}), found.get("test", {})
    of_rows = [what for what in OF_ROWS if what in test]
    if "labels" in test and "labels" not in val and not any(form in test for form in (*ALL_FORMS, "predictions")):
        found["val"] = {**val, **{what: test[what] for what in of_rows}}
        found["test"] = {what: array for what, array in test.items() if what not in OF_ROWS}
        return True
    return False


def _asked_for(rest: Arrays, asked: Asked) -> Arrays:
    wanted = {half_of(name)[1] or name for name in asked.columns}
    return {name: array for name, array in rest.items() if name in wanted}


def _named_models(held: Held, asked: Asked, found: Arrays, rest: Arrays, taken: list[str]) -> None:
    """An array a model: all that have the shape of predictions of these rows."""
    truth = found.get("labels")
    rows = len(truth) if truth is not None and truth.ndim else None
    fits = {
        name: array
        for name, array in rest.items()
        if array.ndim in (1, 2, 3)
        and array.dtype.kind in "fiub"
        and (rows is None or rows in array.shape[:2])
        and role_of(name) not in NOT_OF_ARRAYS
    }
    if not asked.columns and asked.form is None:
        fits = {
            name: array
            for name, array in fits.items()
            if (array.ndim > 1 and dense_form(array, truth) in ("probs", "log_probs", "logits"))
            or (array.ndim == 1 and single_form(array, truth) in ("probs", "top1"))
        }
    if not fits:
        return
    shapes = {array.shape for array in fits.values()}
    if len(shapes) > 1:
        each = ", ".join(f"{name} {list(array.shape)}" for name, array in fits.items())
        raise PredictionsError(
            f"{held.path}: {each} may all be predictions; "
            f"say which with --columns NAME,NAME (it holds {held.listing()})"
        )
    if len(fits) == 1:
        ((name, found["predictions"]),) = fits.items()
        taken.append(f"`{name}` as predictions")
        return
    found["predictions"] = stacked(list(fits.values()))
    found["names"] = np.array(list(fits))
    taken.append(f"{', '.join(fits)} as {len(fits)} models")


def _settle(held: Held, asked: Asked, found: Arrays, split: str, taken: list[str]) -> None:
    """Predictions that no name tells the form of, under the name of their form."""
    if any(form in found for form in ALL_FORMS) and not asked.columns:
        found.pop("predictions")
        return
    array, truth = found.pop("predictions"), found.get("labels")
    if truth is not None and truth.ndim == 2 and truth.shape[1] == 1:
        truth = truth[:, 0]
    rows = len(truth) if truth is not None and truth.ndim else None
    if array.shape[-1:] == (1,) and array.ndim > 1 and rows != 1:
        array = array[..., 0]
    single = array.ndim == 1 or (array.ndim == 2 and rows is not None and array.shape[1] == rows != array.shape[0])
    _require_one_class(held, asked, array, truth, split)
    form = asked.form or (single_form(array, truth) if single else dense_form(array, truth))
    if form is None and not single and truth is None and distributes(array):
        form = "probs"
    release((array,))
    if form is None:
        raise PredictionsError(unclear(held, array, truth, prefix(split)))
    if single and form in ("probs", "logits", "log_probs"):
        array = of_class_one(array, form)
    elif form in ("probs", "log_probs", "logits") and array.dtype.kind in "iub":
        array = array.astype(np.float64)
    elif form == "top1" and array.dtype.kind == "f":
        array = array.astype(np.int64)
    found[LAYOUTS[form].main[0]] = array
    taken.append(f"{prefix(split)}predictions {list(array.shape)} as {'labels' if form == 'top1' else form}")


def _require_one_class(held: Held, asked: Asked, array: NDArray[Any], truth: NDArray[Any] | None, split: str) -> None:
    """Refuse a truth of zeros and ones that gives a row several classes, or none: it would be read as values.

    Raises:
        PredictionsError: it does, and nobody has said that it is values.
    """
    if truth is None or truth.ndim != 2 or truth.shape[1] != array.shape[-1] or asked.form is not None:
        return
    if truth.dtype.kind in "biuf" and np.isin(truth, (0, 1)).all() and not one_hot(truth):
        raise PredictionsError(
            f"{held.path}: {prefix(split)}labels {list(truth.shape)} are zeros and ones, several or none in a row: "
            "multi-label truth is not supported; give one class a row, or --kind values where they are numbers to learn"
        )


def unclear(held: Held, array: NDArray[Any], truth: NDArray[Any] | None, start: str = "") -> str:
    """What to say of predictions whose form is unclear."""
    if truth is None:
        return (
            f"{held.path} holds {held.listing()}, and no truth to tell what they are; name it with --truth NAME or "
            "--truth FILE, or say the form with --kind probs|logits|labels|values"
        )
    if not array.size:
        return f"{held.path}: {start}predictions {list(array.shape)} are of no rows; give a row at least"
    known = array[~np.isnan(array)] if array.dtype.kind == "f" else array
    numbers = (
        f"between {known.min():.4g} and {known.max():.4g}" if array.dtype.kind in "fiu" and known.size else "texts"
    )
    return (
        f"{held.path}: {start}predictions {list(array.shape)} are {numbers}, neither probabilities that sum to "
        f"one nor anything else that is clear (it holds {held.listing()}); say what they are with "
        "--kind probs|logits|labels|values, and which with --columns NAME,NAME"
    )
