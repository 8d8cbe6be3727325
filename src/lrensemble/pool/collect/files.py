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

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.pool.arrays import Arrays
from lrensemble.pool.collect.identity import as_ids
from lrensemble.pool.collect.members import CollectedMember, Said
from lrensemble.pool.collect.names import DENSE, GIVEN_FORMS, LAYOUTS, OF_ROWS, BySplit, GivenForm, prefix
from lrensemble.pool.collect.reading.held import Asked, Held
from lrensemble.pool.collect.shapes import has_members, plain, require_shape, with_outputs
from lrensemble.pool.collect.unpredicted import unpredicted
from lrensemble.pool.names import distinct_names
from lrensemble.pool.task import in_order
from lrensemble.rows import check_groups, check_weights


@dataclass(frozen=True)
class PredictionFile:
    """Members of one file of predictions, or of two files: one of rows to choose on, one of test rows."""

    path: Path
    rows: BySplit
    """What is known of rows, by split: `labels`, and where the file has them `ids`, `groups`, `weights`, `choices`."""
    names: tuple[str, ...]
    """Names of the target's columns: classes, or outputs; empty where the file has none."""
    members: tuple[CollectedMember, ...]
    named: bool = True
    """Whether it says what its members are called."""
    kept: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    """By split, places in the file of the rows that are kept, where some were left out."""

    def where(self, split: str, what: str) -> str:
        """File and array, for messages."""
        return f"{self.path}: {prefix(split)}{what}"

    def ids(self, split: str) -> tuple[str, ...] | None:
        """Names of the rows of a split; None where it has none."""
        rows = self.rows[split]
        return as_ids(rows["ids"], len(rows["labels"]), self.where(split, "ids")) if "ids" in rows else None


def prediction_file(
    path: Path, name: str, arrays: BySplit, asked: Asked, held: Callable[[], Held], *, in_folder: bool
) -> PredictionFile:
    """The members of a file, of its arrays by split and content.

    Args:
        path: of the file, for messages.
        name: of its one member, or what the names of several begin with.
        arrays: by split, under our names.
        asked: what the caller said of the form; how rows were read is noted there.
        held: all that the file holds, for messages.
        in_folder: whether the file is one of a folder: values [sample, output] are then of one member.

    Raises:
        PredictionsError: an array is missing, or cannot be used.
    """
    chosen = choose_form(path, arrays, asked.form)
    _require_truth(path, arrays, chosen, held)
    found, several = _predictions(path, arrays, chosen, in_folder=in_folder)
    given = arrays["val"].get("names")
    if not several:
        own = name if given is None or given.size != 1 else str(given.reshape(-1)[0])
        members: tuple[CollectedMember, ...] = (CollectedMember(encodable(own), chosen, found),)
        return _prediction_file(path, arrays, members, asked, named=in_folder)
    count = len(found["val"].parts[""])
    names = (
        [f"{encodable(name)}-{i}" for i in range(count)]
        if given is None
        else distinct_names([encodable(str(each)) for each in given.reshape(-1)])
    )
    if len(names) != count or any(len(said) != count for said in found.values()):
        counts = ", ".join(f"{len(said)} in {said.where.partition(': ')[2]}" for said in found.values())
        raise PredictionsError(f"{path} names {len(names)} members and has {counts}; give the same number of each")
    members = tuple(
        CollectedMember(
            each,
            chosen,
            {
                split: Said(said.where, {part: array[i] for part, array in said.parts.items()})
                for split, said in found.items()
            },
        )
        for i, each in enumerate(names)
    )
    return _prediction_file(path, arrays, members, asked, named=given is not None)


def choose_form(path: Path, arrays: BySplit, form: GivenForm | None) -> GivenForm:
    """The form of predictions that is taken, of those that a file has.

    Raises:
        PredictionsError: it has none, or not that which was asked for.
    """
    there = arrays.get("val", {})
    for known in GIVEN_FORMS:
        layout = LAYOUTS[known]
        complete = not layout.needs_part or any(part in there for part in layout.parts)
        if form in (None, known) and any(main in there for main in layout.main) and complete:
            return known
    held = ", ".join(f"{prefix(split)}{what}" for split, each in arrays.items() for what in each)
    mains = [main for layout in LAYOUTS.values() for main in layout.main]
    if not any(main in there for main in mains) and any(main in each for each in arrays.values() for main in mains):
        raise PredictionsError(
            f"{path} holds {held}, and no validation rows to choose on; give those too, without the prefix"
        )
    raise PredictionsError(
        f"{path} holds {held or 'nothing that is known'}; give {form or 'one of ' + ', '.join(GIVEN_FORMS)}"
    )


def _predictions(path: Path, arrays: BySplit, form: GivenForm, *, in_folder: bool) -> tuple[dict[str, Said], bool]:
    """Predictions by split, and whether their first axis is of members."""
    layout = LAYOUTS[form]
    found: dict[str, Said] = {}
    several = False
    for split in in_order(arrays):
        there = arrays[split]
        main = next((name for name in layout.main if name in there), None)
        if main is None:
            continue
        parts = {"": main} | {part: part for part in layout.parts if part in there}
        if layout.needs_part and len(parts) > 2:
            parts = dict(list(parts.items())[:2])
        labels = there.get("labels")
        rows = len(labels) if labels is not None and labels.ndim else None
        given = {part: plain(form, there[name], rows, part) for part, name in parts.items()}
        several = has_members(layout, given[""], rows, in_folder=in_folder)
        axes = ", ".join(filter(None, ("member, sample" if several else "sample", layout.axis)))
        given = {part: with_outputs(array, layout.axis, axes) for part, array in given.items()}
        for part, name in parts.items():
            kinds = layout.kinds if not part else "f"
            require_shape(given[part], axes, kinds, given[""].shape if part else None, f"{path}: {prefix(split)}{name}")
        found[split] = Said(f"{path}: {prefix(split)}{main}", given)
    return found, several


def _prediction_file(
    path: Path, arrays: BySplit, members: tuple[CollectedMember, ...], asked: Asked, *, named: bool = True
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
        if split not in said and known:
            raise PredictionsError(
                f"{path} has no {prefix(split)}{members[0].form}; give predictions and labels of the same rows"
            )
        if split in said:
            rows[split] = known
            check_row_arrays(path, split, known)
    given = next((arrays["val"][what] for what in ("classes", "outputs") if what in arrays["val"]), None)
    names = () if given is None else tuple(encodable(str(name)) for name in given.reshape(-1))
    return left_out(PredictionFile(path, rows, names, members, named), asked)


def _require_truth(path: Path, arrays: BySplit, form: GivenForm, held: Callable[[], Held]) -> None:
    """Refuse predictions without a truth, with all that the file holds and how to name it."""
    for split in in_order(arrays):
        there = arrays[split]
        if "labels" in there or not any(main in there for main in LAYOUTS[form].main):
            continue
        end = (
            ". Without a truth no team can be chosen; `lrensemble combine TEAM FILES` applies one "
            "that was chosen before"
        )
        raise PredictionsError(
            f"{path} has no {prefix(split)}labels; give predictions and labels of the same rows: it holds "
            f"{held().listing()}; name the truth among these with --truth NAME, give it with --truth FILE, or lay it "
            f"beside the file (labels.csv){end if split == 'val' else ''}"
        )


def left_out(file: PredictionFile, asked: Asked) -> PredictionFile:
    """The file without the rows that nobody predicted, or that have no truth; how many there are is noted.

    Raises:
        PredictionsError: no row is left.
    """
    for split, known in file.rows.items():
        masks = []
        for member in file.members:
            if len(member.said[split]) == len(np.atleast_1d(known["labels"])):
                masks.append(unpredicted(member.said[split].parts[""], zeros=member.form == "probs"))
                member.release()
        if len(masks) < len(file.members):
            continue  # of another number of rows, which is refused later
        nobody = np.logical_and.reduce(masks)
        truthless = unpredicted(known["labels"], zeros=False) & ~nobody
        out = nobody | truthless
        if not out.any():
            continue
        if out.all():
            raise PredictionsError(f"{file.path}: no {prefix(split)}row has both a prediction and a truth")
        for mask, why in ((nobody, "that nobody predicted"), (truthless, "without a truth")):
            if mask.any():
                asked.note(file.path, f"left out {mask.sum()} of {len(mask)} {prefix(split)}rows {why}")
        file = _without(file, split, np.flatnonzero(~out))
    return file


def _without(file: PredictionFile, split: str, kept: NDArray[np.int64]) -> PredictionFile:
    rows = {what: array[kept] for what, array in file.rows[split].items()}
    members = tuple(
        replace(member, said={**member.said, split: _of_rows(member.said[split], member.form, kept)})
        for member in file.members
    )
    return replace(file, rows={**file.rows, split: rows}, members=members, kept={**file.kept, split: kept})


def _of_rows(said: Said, form: GivenForm, kept: NDArray[np.int64]) -> Said:
    """Predictions of some rows alone; dense ones stay where they are until they are taken."""
    if form in DENSE:
        return replace(said, kept=kept)
    return replace(said, parts={part: array[kept] for part, array in said.parts.items()})


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
