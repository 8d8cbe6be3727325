"""Predictions of an ensemble for files, as a table: one row an input.

Of classes, its label and the probability of every class; of values, the value of every output and, where members say
how sure they are, its standard deviation.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.errors import ExportError, MissingExtraError
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.outside import Outside, joined, warn_or_refuse
from lrensemble.export.readers import check_suffix, files_of, read
from lrensemble.files import write_whole
from lrensemble.notebook import Shown
from lrensemble.numerics import likeliest
from lrensemble.targets import Target
from lrensemble.text import to_csv

SUFFIXES = (".csv", ".parquet")


Cell = str | int | float


@dataclass(frozen=True, repr=False)
class Predictions(Shown):
    """The table: columns `file`, `row` (from 0 within the file), and what is predicted.

    Of classes `label` (a class name) and one column for each class; of values one for each output, and one for each
    standard deviation where there is any.
    """

    target: Target
    files: tuple[str, ...]
    """File of each input [sample]; empty where it came from an array."""
    rows: tuple[int, ...]
    """Position of each input in its file [sample]."""
    said: NDArray[np.float64]
    """Probabilities [sample, class], or values [sample, output] and then their standard deviations."""
    further: Mapping[str, Sequence[Cell]] = field(default_factory=dict)
    """Further columns [sample] by their headings, which stand last."""

    def __len__(self) -> int:
        return len(self.rows)

    def _headline(self) -> str:
        names = ", ".join(self.target.names[:5]) + (", …" if self.target.width > 5 else "")
        return f"{len(self):,} rows, {'values' if self.of_values else 'classes'} {names}"

    def _table(self) -> list[dict[str, Any]]:
        """The rows of the table, by column."""
        return [dict(zip(self.header(), record, strict=True)) for record in self.records()]

    @property
    def of_values(self) -> bool:
        """Whether values are predicted."""
        return "values" in self.target.forms

    @property
    def labels(self) -> list[str]:
        """Name of the likeliest class [sample]; ties to the lowest."""
        return [self.target.names[index] for index in likeliest(self.said).tolist()]

    @property
    def has_std(self) -> bool:
        """Whether values have standard deviations."""
        return self.of_values and self.said.shape[1] == 2 * self.target.width

    def header(self) -> list[str]:
        """Names of the columns; classes take their own names, set apart by `p:`, deviations of outputs by `std:`."""
        names = self.target.names
        if not self.of_values:
            return ["file", "row", "label", *(f"p:{name}" for name in names), *self.further]
        return ["file", "row", *names, *(f"std:{name}" for name in names if self.has_std), *self.further]

    def records(self) -> Iterator[list[Cell]]:
        """Cells of each row of the table, by `header`."""
        labels = itertools.repeat(()) if self.of_values else ((label,) for label in self.labels)
        said = zip(self.files, self.rows, labels, self.said.tolist(), strict=False)
        for place, (file, row, label, numbers) in enumerate(said):
            yield [file, row, *label, *numbers, *(column[place] for column in self.further.values())]

    def to_csv(self, *, raw_formulas: bool = False) -> str:
        """The table as CSV; numbers read back to the same bits.

        Args:
            raw_formulas: leave names that a spreadsheet takes for formulas as they are.
        """
        return to_csv([self.header(), *self.records()], raw_formulas=raw_formulas)

    def save(self, path: Path, *, raw_formulas: bool = False) -> None:
        """Write the table, whole or not at all, as `.csv` or `.parquet`.

        Args:
            path: path of the file.
            raw_formulas: leave names that a spreadsheet takes for formulas as they are, in CSV.

        Raises:
            ExportError: another suffix.
            MissingExtraError: parquet without pyarrow.
            StorageError: the file cannot be written.
        """
        check_table_path(path)
        rows: list[list[Cell]] = [[*self.header()], *self.records()]
        write_whole(path, table_bytes(rows, path.suffix, raw_formulas=raw_formulas))


def table_bytes(rows: Sequence[Sequence[Cell]], suffix: str, *, raw_formulas: bool = False) -> bytes:
    """Content of a file with a table, whose first row holds the names of the columns.

    Raises:
        MissingExtraError: parquet without pyarrow.
    """
    if suffix == ".csv":
        return to_csv(rows, raw_formulas=raw_formulas).encode()
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise MissingExtraError("writing parquet needs pyarrow: pip install 'lrensemble[hub]'") from None
    head, *body = rows
    columns = [[row[place] for row in body] for place in range(len(head))]
    sink = io.BytesIO()
    names = list(map(str, head))
    parquet.write_table(arrow.Table.from_arrays([arrow.array(each) for each in columns], names=names), sink)
    return sink.getvalue()


def check_table_path(path: Path) -> None:
    """Refuse a path for a table with an unknown suffix.

    Raises:
        ExportError: another suffix than `SUFFIXES`.
    """
    if path.suffix not in SUFFIXES:
        raise ExportError(f"cannot write predictions to {path}; give a path that ends in {' or '.join(SUFFIXES)}")


def predict_array(ensemble: Ensemble, inputs: NDArray[np.generic], *, strict: bool = False) -> Predictions:
    """Predictions of inputs [sample, …].

    Raises:
        DataError: inputs of another shape; or far outside of what was trained on, where `strict`.
    """
    given = torch.from_numpy(np.array(inputs))
    warn_or_refuse(ensemble.outside(given), strict=strict)
    said = _said(ensemble, given)
    return Predictions(ensemble.description.target, ("",) * len(said), tuple(range(len(said))), said)


def predict_files(ensemble: Ensemble, files: Sequence[Path], *, strict: bool = False) -> Predictions:
    """Predictions of all rows of files, in their order.

    Args:
        ensemble: ensemble to predict with.
        files: files that `readers` can read, folders of such, and patterns of their names.
        strict: whether to refuse rows that are far outside of what was trained on, rather than to warn of them.

    Raises:
        DataError: a file that cannot be used, or rows refused; suffixes are checked before anything is predicted.
        MissingExtraError: pillow or pyarrow is needed and not installed.
        StorageError: a file cannot be read.
    """
    found = [of_file(ensemble, path, strict=strict) for path in checked_files(files)]
    return together(ensemble.description.target, found, strict=strict)


@dataclass(frozen=True)
class OfFile:
    """What was predicted of one file."""

    path: Path
    said: NDArray[np.float64]
    """As in `Predictions`."""
    outside: Outside


def checked_files(given: Sequence[Path]) -> list[Path]:
    """Files that can be read, as `predict_files` takes them.

    Raises:
        DataError: one that cannot be used, or a folder or pattern without such.
        MissingExtraError: pillow or pyarrow is needed and not installed.
    """
    files = files_of(given)
    for path in files:
        check_suffix(path)
    return files


def of_file(ensemble: Ensemble, path: Path, *, strict: bool) -> OfFile:
    """Predictions of one file, block by block. Raises as `predict_files` does."""
    blocks, outside = list[NDArray[np.float64]](), list[Outside]()
    for block in read(path, ensemble.description.inputs):
        given = torch.from_numpy(np.ascontiguousarray(block))
        outside.append(ensemble.outside(given).in_file(path))
        if strict:
            warn_or_refuse(outside[-1], strict=True)
        blocks.append(_said(ensemble, given))
    empty = np.empty((0, ensemble.description.target.width))
    return OfFile(path, np.concatenate(blocks) if blocks else empty, joined(outside))


def together(target: Target, found: Sequence[OfFile], *, strict: bool) -> Predictions:
    """The table of several files, in their order.

    Raises:
        DataError: rows far outside of what was trained on, where `strict`; they are warned of otherwise.
    """
    warn_or_refuse(joined([each.outside for each in found]), strict=strict)
    names = [str(each.path) for each in found for _ in each.said]
    rows = [row for each in found for row in range(len(each.said))]
    filled = [each.said for each in found if len(each.said)]
    return Predictions(target, tuple(names), tuple(rows), np.concatenate(filled or [np.empty((0, target.width))]))


def _said(ensemble: Ensemble, block: Tensor) -> NDArray[np.float64]:
    """Probabilities, or values and then their standard deviations."""
    said, width = ensemble.in_blocks(block), ensemble.description.target.width
    if said.shape[1] == 2 * width:
        said[:, width:] = np.sqrt(said[:, width:])
    return said
