"""Everything that was given, read: files and folders, objects in memory, and a truth from elsewhere."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.pool.collect.files import PredictionFile, prediction_file
from lrensemble.pool.collect.names import ALL_FORMS, GIVEN_FORMS, LAYOUTS, OF_ALL, AskedForm, BySplit, GivenForm
from lrensemble.pool.collect.reading.columns import arrange_table, row_ids, shared_key
from lrensemble.pool.collect.reading.containers import in_memory, open_file, stem_of, suffix_of
from lrensemble.pool.collect.reading.held import Arrays, Asked, Held
from lrensemble.pool.collect.reading.indexes import require_clear_orders
from lrensemble.pool.collect.reading.layout import arrange_arrays, tells_predictions, wanted_first
from lrensemble.pool.collect.reading.long_tables import by_model
from lrensemble.pool.collect.reading.places import Common, Place, places_of
from lrensemble.pool.collect.reading.roles import PREDICTIVE, Half, role_of
from lrensemble.pool.collect.reading.splits import divided, split_column
from lrensemble.pool.collect.reading.truth_file import covers, joined, known_in, known_of
from lrensemble.pool.collect.reading.truthless import unlabelled

NAMED = "given"
"""What messages call an object that has no name."""


@dataclass(frozen=True)
class _Known:
    """What is known of rows from elsewhere."""

    source: Path
    by_split: BySplit
    below: Path | None
    """Folder whose files it is about; None for all."""
    table: Arrays = field(default_factory=dict)
    """All columns of the table that it stands in; none where it stands in no table."""
    in_memory: bool = False
    """Whether it is an object: beside one that has no index its rows go by place, as pandas has it."""


def read_sources(given: Any, asked: Asked, truth: Any = None, ids: Any = None) -> list[PredictionFile]:
    """The members of all that was given.

    Args:
        given: files and folders, objects in memory, or objects by the name of the member.
        asked: how to read them.
        truth: of all of them: a file, or an object in memory; None where they bring their own.
        ids: names of the rows of all of them.

    Raises:
        PredictionsError: what cannot be used, or is unclear.
        StorageError: a file cannot be read.
    """
    if asked.id is None and ids is None:
        require_clear_orders(given, truth)
    known = [*_truth(truth, asked), *([] if ids is None else [_Known(Path("id"), _by_split(ids, "ids"), None)])]
    if isinstance(given, Mapping):
        objects = [(str(name), each) for name, each in given.items()]
        return [file for name, each in objects for file in _of_object(name, each, asked, known)]
    if not isinstance(given, Sequence) or isinstance(given, str):
        given = [given]
    paths = [Path(each) for each in given if isinstance(each, str | os.PathLike)]
    objects = [
        (f"{NAMED}-{place}", each) for place, each in enumerate(given) if not isinstance(each, str | os.PathLike)
    ]
    found = []
    if paths:
        places, shared = places_of(paths)
        known = [*known, *(_common(each, asked) for each in shared)]
        known = [each for each in known if each.by_split]
        found = [file for place in places for file in _of_place(place, asked, known)]
    return [*found, *(file for name, each in objects for file in _of_object(name, each, asked, known))]


def _truth(truth: Any, asked: Asked) -> list[_Known]:
    """A truth from elsewhere; the name of a column or an array is none."""
    if truth is None:
        return []
    if isinstance(truth, str | os.PathLike):
        path, column = _file_and_column(os.fspath(truth))
        held = open_file(path)
        return [_Known(path, known_in(held, "", column or asked.truth), None, held.arrays if held.table else {})]
    if isinstance(truth, Mapping) and {"val", "test"} >= set(truth):
        by_split = {split: _by_split(each, "labels")["val"] for split, each in truth.items()}
        return [_Known(Path("truth"), by_split, None, in_memory=True)]
    held = in_memory(truth, Path("truth"))
    found = known_of(held, "", asked.truth, None if held.table else _stem(held))
    return [_Known(Path("truth"), found, None, held.arrays if held.table else {}, in_memory=True)]


def _stem(held: Held) -> str | None:
    return "labels" if "predictions" in held.arrays and set(held.arrays) <= {"predictions", "ids"} else None


def _by_split(given: Any, what: str) -> BySplit:
    held = in_memory(given, Path(what))
    array, *ids = held.arrays.values()
    return {"val": {what: array, **({"ids": ids[0]} if ids and what == "labels" else {})}}


def _file_and_column(given: str) -> tuple[Path, str | None]:
    """A file, and the column of it that `FILE:NAME` names."""
    if Path(given).exists() or ":" not in given:
        return Path(given), None
    file, _, column = given.rpartition(":")
    return Path(file), column


def is_truth_file(given: str) -> bool:
    """Whether a truth is named as a file, and not as a column or an array."""
    return _file_and_column(given)[0].exists() or bool(suffix_of(_file_and_column(given)[0]))


def _common(common: Common, asked: Asked) -> _Known:
    """What a file beside those of predictions holds for all; nothing where it is one of them after all."""
    held = open_file(common.path)
    found = known_in(held, common.half, asked.truth if suffix_of(common.path) != ".npy" else None)
    return _Known(common.path, found, common.below, held.arrays if held.table else {})


def _of_place(place: Place, asked: Asked, known: Sequence[_Known]) -> list[PredictionFile]:
    """The members of a file, or of one of rows to choose on and one of test rows; each of a long table by itself."""
    known = sorted(
        (
            each
            for each in known
            if each.below is None or place.files["val"].is_relative_to(each.below) or _siblings(each, place)
        ),
        key=lambda each: -1 if each.below is None else len(each.below.parts),
        reverse=True,
    )
    halves = place.files
    if asked.target is not None:  # the rows that the team was chosen on are not asked about
        halves = {"val": place.files.get("test", place.files["val"])}
    held = {half: _opened(path, asked) for half, path in halves.items()}
    parts = {half: by_model(each, asked) for half, each in held.items()}
    if not parts["val"]:
        return [_of_halves(place, place.name, held, asked, known)]
    for half, models in parts.items():
        if set(models) != set(parts["val"]):
            raise PredictionsError(
                f"{halves[half]} has the models {', '.join(models) or 'of no name'}, and {halves['val']} "
                f"{', '.join(parts['val'])}; give the same"
            )
    of_models = [(name, {half: models[name] for half, models in parts.items()}) for name in parts["val"]]
    return [replace(_of_halves(place, name, own, asked, known), named=True) for name, own in of_models]


def _of_halves(
    place: Place, name: str, opened: Mapping[Half, Held], asked: Asked, known: Sequence[_Known]
) -> PredictionFile:
    arrays: BySplit = {}
    for half, held in opened.items():
        try:
            own = _arranged(held, asked, known, half if "test" in place.files else "")
        except PredictionsError:
            if half != "test" or _has_truth(held, known):
                raise
            own = {"val": {}}
        arrays = _with(arrays, own, half, held.path, asked)
    path = place.files["val"]
    return prediction_file(path, name, arrays, asked, lambda: open_file(path), in_folder=place.in_folder)


def _siblings(known: _Known, place: Place) -> bool:
    """Whether a truth lies in the folder of rows of one kind, beside that of the others: val/ and test/."""
    return known.below is not None and any(path.is_relative_to(known.below) for path in place.files.values())


def _has_truth(held: Held, known: Sequence[_Known]) -> bool:
    return any(role_of(name) == "labels" for name in held.arrays) or any("test" in each.by_split for each in known)


def _with(arrays: BySplit, own: BySplit, half: Half, path: Path, asked: Asked) -> BySplit:
    """Arrays of both files of a member: what a file of test rows calls `val` is `test`."""
    if half != "test":
        return {**arrays, **own}
    test = own.get("test") or {what: array for what, array in own.get("val", {}).items() if what not in OF_ALL}
    names = own.get("val", {}).get("names")
    if "labels" not in test:
        asked.note(
            path, "left out: these test rows have no truth; `lrensemble combine TEAM FILES` applies a team to them"
        )
        return arrays
    mine = arrays["val"].get("names")
    if names is not None and mine is not None and names.tolist() != mine.tolist():
        if sorted(names.tolist()) != sorted(mine.tolist()):
            raise PredictionsError(
                f"{path} has the models {', '.join(names)}, and elsewhere {', '.join(mine)}; give the same"
            )
        order = [names.tolist().index(name) for name in mine.tolist()]
        test = {what: array[order] if what in ALL_FORMS else array for what, array in test.items()}
    return {**arrays, "test": test}


def _of_object(name: str, given: Any, asked: Asked, known: Sequence[_Known]) -> list[PredictionFile]:
    held = in_memory(given, Path(name))
    if models := by_model(held, asked):
        return [replace(_of_held(each, part, asked, known), named=True) for each, part in models.items()]
    return [_of_held(name, held, asked, known)]


def _of_held(name: str, held: Held, asked: Asked, known: Sequence[_Known]) -> PredictionFile:
    arrays = _arranged(held, asked, known, "")
    in_folder = not name.startswith(f"{NAMED}-")
    found = prediction_file(held.path, name, arrays, asked, lambda: held, in_folder=in_folder)
    return replace(found, named=True) if len(found.members) == 1 else found


def _opened(path: Path, asked: Asked) -> Held:
    """A file; of an `.npz` file whose arrays are named as ours are, those alone."""
    if suffix_of(path) != ".npz":
        held = open_file(path)
        return _bare(held, path, asked) if suffix_of(path) == ".npy" else held
    held = open_file(path, wanted_first)
    return held if tells_predictions(list(held.arrays), asked) else open_file(path)


def _bare(held: Held, path: Path, asked: Asked) -> Held:
    """The array of a `.npy` file, under the name of its form, or of what the file is called."""
    (array,) = held.arrays.values()
    role = role_of(stem_of(path))
    if asked.form is not None:
        return replace(held, arrays={LAYOUTS[asked.form].main[0]: array})
    if role in PREDICTIVE and role != "predictions":
        return replace(held, arrays={str(role): array})
    if array.ndim == 1 and array.dtype.kind in "iu":
        return replace(held, arrays={"top1": array})
    if array.dtype.kind == "f" or array.ndim > 1:
        return replace(held, arrays={"predictions": array})
    raise PredictionsError(f"{path} does not say what it holds; give the form: {', '.join(GIVEN_FORMS)}")


def _arranged(held: Held, asked: Asked, known: Sequence[_Known], half: Half) -> BySplit:
    """A file's arrays by split and content, with what is known of its rows from elsewhere."""
    if asked.target is not None:
        return unlabelled(held, asked, asked.target)
    if not held.table:
        return arrange_arrays(held, asked, _outside(held, known, half))
    own: Arrays = {}
    row_ids(asked, own, dict(held.arrays))
    rows = len(next(iter(held.arrays.values())))
    outside: Arrays = {}
    for each in known:
        there = each.by_split.get("test" if half == "test" else "val", {})
        if half == "test" and not there and covers(each.by_split.get("val", {}), own.get("ids")):
            there = each.by_split["val"]
        ids = own.get("ids")
        if there and (ids is None or "ids" not in there) and (key := shared_key(held.arrays, each.table)):
            ids, there = held.arrays[key], {**there, "ids": each.table[key]}
            asked.note(held.path, f"took `{key}` as id, which {each.source} has too")
        if there:
            own_rows = joined(there, ids, rows, str(held.path), str(each.source), by_place=each.in_memory)
            outside = {**own_rows, **outside}
    found = arrange_table(held, asked, outside)
    column = split_column(held)
    return found if column is None else divided(found["val"], held.arrays[column])


def _outside(held: Held, known: Sequence[_Known], half: Half) -> BySplit:
    """What is known from elsewhere of the rows of a file of arrays, in the order of its ids where it has any."""
    found: BySplit = {}
    ids = next((array for name, array in held.arrays.items() if role_of(name) == "ids" and array.ndim == 1), None)
    for each in known:
        by_split = each.by_split
        if half:
            wanted = half if half in by_split or not covers(by_split.get("val", {}), ids) else "val"
            by_split = {"val": by_split[wanted]} if wanted in by_split else {}
        for split, there in by_split.items():
            own = ids if "labels" in there or "ids" in there else None
            rows = joined(there, own, None, str(held.path), str(each.source), by_place=each.in_memory)
            found[split] = {**rows, **found.get(split, {})}
    return found


def asked_for(
    form: AskedForm | None,
    truth: Any,
    id: Any,  # noqa: A002
    columns: Sequence[str] | str | None,
) -> tuple[Asked, Any, NDArray[Any] | Any | None]:
    """What was asked for, and truth and ids that are no names of columns.

    Raises:
        PredictionsError: no such form.
    """
    if form is not None and form not in (*GIVEN_FORMS, "labels"):
        raise PredictionsError(f"kind {form!r} is refused; give one of {', '.join((*GIVEN_FORMS, 'labels'))}")
    chosen: GivenForm | None = "top1" if form == "labels" else form
    names = tuple(columns.split(",") if isinstance(columns, str) else columns or ())
    column = truth if isinstance(truth, str) and not is_truth_file(truth) else None
    asked = Asked(form=chosen, truth=column, id=id if isinstance(id, str) else None, columns=names)
    return asked, None if column else truth, None if id is None or isinstance(id, str) else np.asarray(id)
