"""Files of predictions: the members that each holds, and the rows that these were made for.

A file holds all members: `log_probs`, `logits` or `probs` [member, sample, class], `top_k` [member, sample, k] with
`top_k_probs` or without, `top1` or `likelihood` [member, sample], `values` [member, sample, output], `mean` with
`log_variance` or `variance`; `labels` [sample], or [sample, output]; optional `names` (or `models`) [member], `classes`
[class] (or `outputs`), `ids`, `groups`, `weights` and `choices` [sample]; and the arrays of test rows with the prefix
`test_`, of a test set `v2` with `test_v2_`. A folder holds one file a member, named after it, without the member axis;
a `.npy` file there is the predictions alone. What is known of rows, and names of classes, stand in each file, or once
in `labels.npz` or in a `.npy` file of their name.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.files import storage_errors
from lrensemble.pool.arrays import SUFFIXES, Arrays, load
from lrensemble.pool.collect.identity import as_ids
from lrensemble.pool.collect.members import CollectedMember, Said
from lrensemble.pool.collect.names import (
    GIVEN_FORMS,
    LAYOUTS,
    OF_ROWS,
    BySplit,
    Common,
    GivenForm,
    Known,
    prefix,
    read_by_split,
)
from lrensemble.pool.task import in_order
from lrensemble.rows import check_groups, check_weights


@dataclass(frozen=True)
class PredictionFile:
    """Members of one file of predictions, or of a folder with one file a member."""

    path: Path
    rows: BySplit
    """What is known of rows, by split: `labels`, and where the file has them `ids`, `groups`, `weights`, `choices`."""
    names: tuple[str, ...]
    """Names of the target's columns: classes, or outputs; empty where the file has none."""
    members: tuple[CollectedMember, ...]
    named: bool = True
    """Whether it says what its members are called."""

    def where(self, split: str, what: str) -> str:
        """File and array, for messages."""
        return f"{self.path}: {prefix(split)}{what}"

    def ids(self, split: str) -> tuple[str, ...] | None:
        """Names of the rows of a split; None where it has none."""
        rows = self.rows[split]
        return as_ids(rows["ids"], len(rows["labels"]), self.where(split, "ids")) if "ids" in rows else None


def read(path: Path, form: GivenForm | None) -> PredictionFile:
    """The members of a file, or of a folder of one file a member.

    Raises:
        PredictionsError: an array is missing, or cannot be used.
        StorageError: the path cannot be read.
    """
    arrays = read_by_split(path, Known())
    chosen = _choose_form(path, arrays, form)
    found = _predictions(path, arrays, chosen, axes="member, sample")
    count = len(found["val"].parts[""])
    given = arrays["val"].get("names")
    names = (
        [f"{encodable(path.stem)}-{i}" for i in range(count)]
        if given is None
        else [encodable(str(name)) for name in given.reshape(-1)]
    )
    if len(names) != count or any(len(said) != count for said in found.values()):
        counts = ", ".join(f"{len(said)} in {said.where.partition(': ')[2]}" for said in found.values())
        raise PredictionsError(f"{path} names {len(names)} members and has {counts}; give the same number of each")
    members = tuple(
        CollectedMember(
            name,
            chosen,
            {
                split: Said(said.where, {part: array[i] for part, array in said.parts.items()})
                for split, said in found.items()
            },
        )
        for i, name in enumerate(names)
    )
    return _prediction_file(path, arrays, members, named=given is not None)


def is_folder(path: Path) -> bool:
    """Whether a folder of one file a member is given.

    Raises:
        StorageError: there is nothing, or it cannot be looked at.
    """
    with storage_errors("read", path):
        return stat.S_ISDIR(path.stat().st_mode)


def read_folder(folder: Path, form: GivenForm | None) -> list[PredictionFile]:
    """The files of a folder, one a member.

    Raises:
        PredictionsError: it holds none, or an array is missing or cannot be used.
        StorageError: it cannot be read.
    """
    with storage_errors("read", folder):
        paths = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and not path.name.startswith("."))
    common: BySplit = {}
    for path in paths:
        if path.stem in Common():
            for split, arrays in read_by_split(path, Common()).items():
                common.setdefault(split, {}).update(arrays)
    files = [_read_member(path, common, form) for path in paths if path.stem not in Common()]
    if not files:
        raise PredictionsError(f"{folder} holds no predictions; give one {', '.join(SUFFIXES)} file a member")
    return files


def _read_member(path: Path, common: BySplit, form: GivenForm | None) -> PredictionFile:
    own = _bare(path, form) if path.suffix == ".npy" else read_by_split(path, Known())
    arrays = {split: {**common.get(split, {}), **own.get(split, {})} for split in {**common, **own}}
    chosen = _choose_form(path, arrays, form)
    found = _predictions(path, arrays, chosen, axes="sample")
    return _prediction_file(path, arrays, (CollectedMember(encodable(path.stem), chosen, found),))


def _bare(path: Path, form: GivenForm | None) -> BySplit:
    """The array of a `.npy` file, under the name of its form."""
    (given,) = load(path, Known()).values()
    bare = form or ("top1" if given.ndim == 1 and given.dtype.kind in "iu" else None)
    if bare is None:
        raise PredictionsError(f"{path} does not say what it holds; give the form: {', '.join(GIVEN_FORMS)}")
    return {"val": {LAYOUTS[bare].main[0]: given}}


def _choose_form(path: Path, arrays: BySplit, form: GivenForm | None) -> GivenForm:
    there = arrays.get("val", {})
    for known in GIVEN_FORMS:
        layout = LAYOUTS[known]
        complete = not layout.needs_part or any(part in there for part in layout.parts)
        if form in (None, known) and any(main in there for main in layout.main) and complete:
            return known
    held = ", ".join(f"{prefix(split)}{what}" for split, each in arrays.items() for what in each)
    if (
        any(main in each for each in arrays.values() for layout in LAYOUTS.values() for main in layout.main)
        and not there
    ):
        raise PredictionsError(
            f"{path} holds {held}, and no validation rows to choose on; give those too, without the prefix"
        )
    raise PredictionsError(
        f"{path} holds {held or 'nothing that is known'}; give {form or 'one of ' + ', '.join(GIVEN_FORMS)}"
    )


def _predictions(path: Path, arrays: BySplit, form: GivenForm, *, axes: str) -> dict[str, Said]:
    """Predictions by split, with these axes; the form's own axis is added to them."""
    layout = LAYOUTS[form]
    axes = ", ".join(filter(None, (axes, layout.axis)))
    found = {}
    for split in in_order(arrays):
        there = arrays[split]
        main = next((name for name in layout.main if name in there), None)
        if main is None:
            continue
        parts = {"": main} | {part: part for part in layout.parts if part in there}
        if layout.needs_part and len(parts) > 2:
            parts = dict(list(parts.items())[:2])
        given = {part: _column(there[name], layout.axis, axes) for part, name in parts.items()}
        for part, name in parts.items():
            kinds = layout.kinds if not part else "f"
            _require(given[part], axes, kinds, given[""].shape if part else None, f"{path}: {prefix(split)}{name}")
        found[split] = Said(f"{path}: {prefix(split)}{main}", given)
    return found


def _column(array: NDArray[Any], axis: str, axes: str) -> NDArray[Any]:
    """Values of one output may come without its axis."""
    return array[..., None] if axis == "output" and array.ndim == axes.count(",") else array


def _require(array: NDArray[Any], axes: str, kinds: str, shape: tuple[int, ...] | None, where: str) -> None:
    """Refuse an array of another kind of numbers, with other axes, or of another shape than what it is a part of."""
    if array.ndim != axes.count(",") + 1 or 0 in array.shape or array.dtype.kind not in kinds:
        name = "integers" if kinds == "iu" else "floating-point numbers"
        raise PredictionsError(
            f"{where} are {array.dtype} of shape {array.shape}; give {name} [{axes}], at least one of each"
            + (" (numbers of a regression are called `values`)" if axes.endswith("class") else "")
        )
    if shape is not None and array.shape != shape:
        raise PredictionsError(f"{where} have shape {array.shape}; give {shape}, as the predictions have")


def _prediction_file(
    path: Path, arrays: BySplit, members: tuple[CollectedMember, ...], *, named: bool = True
) -> PredictionFile:
    said = members[0].said
    rows: BySplit = {}
    for split in in_order({**arrays, **said}):
        known = {what: array for what, array in arrays.get(split, {}).items() if what in OF_ROWS}
        if split not in said and known and "labels" not in known:
            what = next(iter(known))
            where = f"{path}: {prefix(split)}{what}"
            raise PredictionsError(
                f"{where} are given without {prefix(split)}labels; give the labels of those rows too"
            )
        if (split in said) != ("labels" in known) and (known or split in said):
            missing = members[0].form if split not in said else "labels"
            raise PredictionsError(
                f"{path} has no {prefix(split)}{missing}; give predictions and labels of the same rows"
            )
        if split in said:
            rows[split] = known
            check_row_arrays(path, split, known)
    given = next((arrays["val"][what] for what in ("classes", "outputs") if what in arrays["val"]), None)
    names = () if given is None else tuple(encodable(str(name)) for name in given.reshape(-1))
    return PredictionFile(path, rows, names, members, named)


def check_row_arrays(path: Path, split: str, known: Arrays) -> None:
    """Refuse groups, weights and choices that are not one for each row.

    Raises:
        PredictionsError: the array is named.
    """
    rows = len(known["labels"]) if known["labels"].ndim else 0
    if "groups" in known:
        check_groups(known["groups"], rows, f"{path}: {prefix(split)}groups")
    if "weights" in known:
        check_weights(known["weights"], rows, f"{path}: {prefix(split)}weights")
    counts = known.get("choices")
    if counts is not None and (counts.shape != (rows,) or counts.dtype.kind not in "iu" or (counts < 1).any()):
        raise PredictionsError(
            f"{path}: {prefix(split)}choices are {counts.dtype} of shape {counts.shape}; "
            f"give the number of answers of each of {rows} rows, 1 or more"
        )


def encodable(name: str) -> str:
    """A name that JSON can hold: file names may have bytes that are no text."""
    return name.encode(errors="replace").decode()
