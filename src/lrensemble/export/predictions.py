"""Predictions of an ensemble, as a table: one row an input.

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
from numpy.typing import NDArray

from lrensemble.errors import ExportError, MissingExtraError
from lrensemble.files import write_whole
from lrensemble.notebook import Shown
from lrensemble.numerics import likeliest
from lrensemble.targets import Target
from lrensemble.text import to_csv
from lrensemble.text.counted import counted

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
    abstain: float | None = None
    """Highest probability below which a row has no label; None where every row has one."""

    def __len__(self) -> int:
        return len(self.rows)

    def _headline(self) -> str:
        names = ", ".join(self.target.names[:5]) + (", …" if self.target.width > 5 else "")
        return f"{counted(len(self), 'row')}, {self.target.kind} {names}"

    def _table(self) -> list[dict[str, Any]]:
        """The rows of the table, by column."""
        return [dict(zip(self.header(), record, strict=True)) for record in self.records()]

    @property
    def of_values(self) -> bool:
        """Whether values are predicted."""
        return not self.target.has_labels

    @property
    def labels(self) -> list[str]:
        """Name of the likeliest class [sample], ties to the lowest; empty where there is none."""
        names = [self.target.names[index] for index in likeliest(self.said).tolist()]
        return ["" if none else name for name, none in zip(names, self.abstained.tolist(), strict=True)]

    @property
    def abstained(self) -> NDArray[np.bool_]:
        """Whether each row [sample] has no label, since its highest probability is below `abstain`."""
        if self.abstain is None or not len(self.said):
            return np.zeros(len(self.said), dtype=np.bool_)
        return np.asarray(self.said.max(axis=1) < self.abstain)

    @property
    def has_std(self) -> bool:
        """Whether values have standard deviations."""
        return "distribution" in self.target.dense_serves(self.said.shape[1])

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


def require_classes(target: Target, name: str) -> None:
    """Refuse what is found from probabilities, where there are none.

    Raises:
        ExportError: values are predicted.
    """
    if not target.has_labels:
        raise ExportError(f"{name} goes by probabilities of classes, and this ensemble predicts values; leave it out")


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
