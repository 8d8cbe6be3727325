"""Predictions of an ensemble for files, as a table: one row an input, its label and the probability of every class."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import ExportError, MissingExtraError
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.readers import check_suffix, read
from lrensemble.files import write_whole
from lrensemble.numerics import likeliest
from lrensemble.text import to_csv

SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True)
class Predictions:
    """The table: columns `file`, `row` (from 0 within the file), `label` (a class name) and one for each class."""

    classes: tuple[str, ...]
    files: tuple[str, ...]
    """File of each input [sample]."""
    rows: tuple[int, ...]
    """Position of each input in its file [sample]."""
    probs: NDArray[np.float64]
    """Probabilities [sample, class]."""

    @property
    def labels(self) -> list[str]:
        """Name of the likeliest class [sample]; ties to the lowest."""
        return [self.classes[index] for index in likeliest(self.probs).tolist()]

    def records(self) -> Iterator[tuple[str, int, str, list[float]]]:
        """File, row, label and probabilities of each input."""
        return zip(self.files, self.rows, self.labels, self.probs.tolist(), strict=True)

    def header(self) -> list[str]:
        """Names of the columns; a class takes its own name, set apart by `p:`."""
        return ["file", "row", "label", *(f"p:{name}" for name in self.classes)]

    def to_csv(self, *, raw_formulas: bool = False) -> str:
        """The table as CSV; probabilities read back to the same bits.

        Args:
            raw_formulas: leave names that a spreadsheet takes for formulas as they are.
        """
        rows = ([file, row, label, *probs] for file, row, label, probs in self.records())
        return to_csv([self.header(), *rows], raw_formulas=raw_formulas)

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
        content = self.to_csv(raw_formulas=raw_formulas).encode() if path.suffix == ".csv" else self._parquet()
        write_whole(path, content)

    def _parquet(self) -> bytes:
        try:
            arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
        except ImportError:
            raise MissingExtraError("writing parquet needs pyarrow: pip install 'lrensemble[hub]'") from None
        columns = [list(self.files), list(self.rows), self.labels, *self.probs.T]
        sink = io.BytesIO()
        parquet.write_table(arrow.Table.from_arrays([arrow.array(c) for c in columns], names=self.header()), sink)
        return sink.getvalue()


def check_table_path(path: Path) -> None:
    """Refuse a path for a table with an unknown suffix.

    Raises:
        ExportError: another suffix than `SUFFIXES`.
    """
    if path.suffix not in SUFFIXES:
        raise ExportError(f"cannot write predictions to {path}; give a path that ends in {' or '.join(SUFFIXES)}")


def predict_files(ensemble: Ensemble, files: Sequence[Path]) -> Predictions:
    """Predictions of all rows of files, in their order.

    Raises:
        DataError: a file that cannot be used; suffixes are checked before anything is predicted.
        MissingExtraError: pillow or pyarrow is needed and not installed.
        StorageError: a file cannot be read.
    """
    for path in files:
        check_suffix(path)
    names: list[str] = []
    rows: list[int] = []
    blocks = [np.empty((0, len(ensemble.description.classes)))]
    for path in files:
        first = 0
        for block in read(path, ensemble.description.inputs):
            blocks.append(ensemble.predict_proba(block))
            names += [str(path)] * len(block)
            rows += range(first, first + len(block))
            first += len(block)
    return Predictions(ensemble.description.classes, tuple(names), tuple(rows), np.concatenate(blocks))
