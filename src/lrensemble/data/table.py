"""Tables: a row a sample, columns of numbers to learn from, and one or several columns to learn."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.data.arrow import csv_table, parquet_table
from lrensemble.data.source import SOURCES, Samples, check_samples
from lrensemble.data.truth import Kind, runs_from_zero, truth_of
from lrensemble.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

logger = logging.getLogger(__name__)

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")

NAMED = 5
"""Columns that an error names at most."""

Columns = Annotated[tuple[str, ...], Field(min_length=1)]


@SOURCES.register(file="data.csv", target="y")
def table(
    folder: Path | None,
    *,
    file: str,
    target: str | Columns,
    features: Columns | None = None,
    test: str | None = None,
    kind: Kind | None = None,
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None,
    weights: str | None = None,
    soft: Columns | None = None,
) -> Samples:
    """A CSV or parquet file with a row a sample; a column of texts is learned as classes, one of numbers as values.

    A column of whole numbers from 0 without a gap is one of classes, one of many other whole numbers one of values; of
    a few others it must be said. Features are numbers; encode texts before.

    Args:
        folder: where the files lie; the current folder unless given.
        file: name of the file; `.csv` and `.tsv` (plain or `.gz`, first line with names) or `.parquet`.
        target: column to learn, or several columns of values.
        features: columns to learn from; all others unless given.
        test: name of a second file with the same columns, for its own test rows.
        kind: `classes` or `values`, where the column does not say it.
        delimiter: what stands between the columns of a text file; a comma, in `.tsv` files a tab, unless given.
        weights: column of weights of the rows, for `train.sampler = "weighted"`.
        soft: columns of class probabilities, for `train.loss = "soft_targets"`, in the order of the classes: texts are
            sorted.

    Raises:
        DataError: a file or column is missing, a cell is empty, a feature is no number, or the target may be both.
        MissingExtraError: pyarrow is not installed.
    """
    paths = [(folder or Path()) / name for name in (file, test) if name is not None]
    tables = [_read(path, delimiter) for path in paths]
    targets = [target] if isinstance(target, str) else list(target)
    others = {*targets, weights, *(soft or ())}
    named = features or [name for name in tables[0].column_names if name not in others]
    if both := sorted(set(named) & {*targets, *(soft or ())}):
        raise DataError(f"{paths[0]}: {both[0]!r} is a feature and a target; the answer would be known")
    if features is None:
        _warn_of_row_numbers(tables[0], named, paths[0])
    pairs = list(zip(tables, paths, strict=True))
    truth, found = truth_of(
        np.concatenate([_truth(each, targets, path, kind) for each, path in pairs]),
        kind,
        f"{paths[0]}, {', '.join(targets)}",
        outputs=targets,
    )

    def numbers(names: Sequence[str], role: str) -> NDArray[np.float64]:
        return np.concatenate([_numbers(each, names, path, role) for each, path in pairs])

    samples = Samples(
        np.concatenate([_numbers(each, named, path, "feature").astype(np.float32) for each, path in pairs]),
        truth,
        found,
        test_rows=len(tables[1]) if test else 0,
        weights=None if weights is None else numbers([weights], "weight")[:, 0],
        soft=None if soft is None else numbers(soft, "probability").astype(np.float32),
        features=named,
    )
    check_samples(samples, str(paths[0]))
    return samples


def _read(path: Path, delimiter: str | None) -> pa.Table:
    if not path.name.lower().endswith(SUFFIXES):
        raise DataError(f"{path} is no table; give a file whose name ends in {', '.join(SUFFIXES)}")
    if not os.path.isfile(path):
        raise DataError(
            f"{path} is missing; say in which folder it lies, with --data FOLDER or data.folder, or name another file"
        )
    if path.suffix.lower() == ".parquet":
        return parquet_table(path)
    return csv_table(path, delimiter or ("\t" if ".tsv" in path.name.lower() else ","))


def _warn_of_row_numbers(found: pa.Table, names: Sequence[str], path: Path) -> None:
    """Say that a column without a name numbers the rows, as programs write it unasked: it would be learned from."""
    import pyarrow.types as types

    for name in names:
        nameless = not name.strip() or name.startswith("Unnamed: ")
        if not nameless or found.column_names.count(name) > 1 or not types.is_integer(found.column(name).type):
            continue
        numbers = found.column(name).to_numpy()
        if len(numbers) > 1 and bool((np.diff(numbers) == 1).all()):
            logger.warning(
                "%s: column %r, which has no name of its own, numbers the rows, and is learned from; leave it out with "
                "features = […]",
                path,
                name,
            )


def _truth(found: pa.Table, names: Sequence[str], path: Path, kind: Kind | None) -> NDArray[Any]:
    """Columns to learn: texts [sample], whole numbers [sample], or real numbers [sample] or [sample, output]."""
    import pyarrow.types as types

    column = _column(found, names[0], path)
    if len(names) == 1 and kind in (None, "classes"):
        if types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if types.is_boolean(column.type) or types.is_string(column.type) or types.is_large_string(column.type):
            return np.array([str(cell).lower() if isinstance(cell, bool) else cell for cell in column.to_pylist()])
    numbers = _numbers(found, names, path, "target")
    if len(names) > 1 or kind is not None:
        return numbers
    # A table has integers for amounts as well as for classes.
    integers = types.is_integer(column.type) and runs_from_zero(np.unique(numbers))
    return numbers[:, 0].astype(np.int64) if integers else numbers[:, 0]


def _numbers(found: pa.Table, names: Sequence[str], path: Path, role: str) -> NDArray[np.float64]:
    """Columns of numbers [sample, column].

    Raises:
        DataError: a column is missing, holds something else, or a cell is empty.
    """
    import pyarrow as pa
    import pyarrow.types as types

    if not names:
        raise DataError(f"{path} has no column beside the target; there is nothing to learn from")
    columns = {name: _column(found, name, path) for name in names}
    numeric = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    others = [name for name, column in columns.items() if not any(is_kind(column.type) for is_kind in numeric)]
    if others:
        told = ", ".join(map(repr, others[:NAMED]))
        if types.is_binary(columns[others[0]].type):
            raise DataError(f"{path}: {role} {told} holds texts that are not UTF-8; save the table as UTF-8")
        raise DataError(
            f"{path}: {role} {told} holds {columns[others[0]].type}, no numbers; encode it as numbers, or leave it out "
            "with features = […]"
        )
    return np.column_stack(
        [np.asarray(column.cast(pa.float64(), safe=False).to_numpy()) for column in columns.values()]
    )


def _column(found: pa.Table, name: str, path: Path) -> pa.ChunkedArray:
    """The column of a name, with a value in every row."""
    places = [place for place, known in enumerate(found.column_names) if known == name]
    if len(places) != 1:
        held = ", ".join(found.column_names) or "none"
        other = next((each for each in ";\t|," if len(found.column_names) == 1 and each in held), None)
        hint = f"; give delimiter = {other!r}, if that stands between them" if other else ""
        raise DataError(f"{path} has {len(places)} columns {name!r}, not one; its columns are {held}{hint}")
    column = found.column(places[0])
    if column.null_count:
        row = column.is_null().to_pylist().index(True)
        raise DataError(f"{path}: column {name!r} is empty in row {row}; fill it in, or leave the row out")
    return column
