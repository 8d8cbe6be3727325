"""What a file holds: named columns of a table, or named arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.pool.collect.names import GivenForm
from lrensemble.targets import AnyTarget

Arrays = dict[str, NDArray[Any]]
Table = dict[str, NDArray[Any]]
"""Columns [sample] by name."""

OVERRIDES = "--truth, --id, --columns, --kind change it"
"""What a reading says last: the arguments have the same names in Python."""


@dataclass(frozen=True)
class Held:
    """Named arrays of one file, or of an object in memory."""

    path: Path
    arrays: Arrays
    table: bool = False
    """Whether they are the columns of a table, a row a sample."""
    unread: tuple[str, ...] = ()
    """Names of what is never read: Python objects."""

    def listing(self) -> str:
        """All that it holds, for messages."""
        noun = "columns" if self.table else "arrays"
        each = [
            name if self.table and array.ndim == 1 else f"{name} {list(array.shape)}"
            for name, array in self.arrays.items()
        ]
        each += [f"{name} (Python objects, never read)" for name in self.unread]
        return f"the {noun} {', '.join(each)}" if each else f"no {noun}"


@dataclass(frozen=True)
class Asked:
    """What the caller says of the files, before anything is guessed, and how they were read in the end."""

    form: GivenForm | None = None
    truth: str | None = None
    """Column or array of the truth."""
    id: str | None = None
    """Column or array with the names of rows."""
    columns: tuple[str, ...] = ()
    """Columns or arrays of predictions."""
    target: AnyTarget | None = None
    """Target of predictions that have no truth; None where a truth is wanted."""
    notes: dict[str, list[str]] = field(default_factory=dict)
    """How files were read, each with the files that were read so."""

    def note(self, path: Path, text: str) -> None:
        """Note how a file was read."""
        self.notes.setdefault(text, []).append(str(path))

    def reading(self) -> tuple[str, ...]:
        """All notes, each once, with the first of its files."""
        return tuple(
            f"{paths[0]}{f' and {len(set(paths)) - 1} more' if len(set(paths)) > 1 else ''}: {text}"
            for text, paths in self.notes.items()
        )


def as_names(array: NDArray[Any]) -> NDArray[Any]:
    """Names of rows; whole numbers as such, also where a missing cell made them real."""
    if array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.floor(array)).all():
        return array.astype(np.int64)
    return array
