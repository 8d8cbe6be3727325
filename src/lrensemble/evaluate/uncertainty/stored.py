"""What members say of foreign rows, kept in the pool: `foreign/NAME.json` and `foreign/NAME.safetensors`.

Nobody knows the truth of these rows, and they are no test set of the pool.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.config import Record
from lrensemble.errors import PoolError
from lrensemble.evaluate.predictors import Predictor, Voices
from lrensemble.evaluate.streaming import Compute
from lrensemble.files import own_files, seal, warn_once, write_whole
from lrensemble.pool import Pool
from lrensemble.pool.sealed import check_file, map_arrays, unseal
from lrensemble.targets import Predictions

FOLDER, NAME = "foreign", r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.json"

BLOCK_ROWS = 4096


class ForeignSet(Record):
    """A foreign data set, and who has predicted it."""

    data: str
    """The data set in its text form."""
    fingerprint: str
    """SHA-256 of its inputs."""
    rows: int
    members: tuple[str, ...] = Field(strict=False)
    sha256: str
    """SHA-256 of the file of predictions."""


class ForeignReader:
    """Rows of a foreign set, and what members say of them."""

    def __init__(self, voices: Voices, rows: int) -> None:
        self.voices, self._rows = voices, rows

    def __len__(self) -> int:
        return self._rows

    def by_row(self, predictor: Predictor, compute: Compute) -> NDArray[Any]:
        """What is computed of the predictions of each row [sample, …]; they are forgotten with their block."""
        found = []
        for start in range(0, len(self), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            seen = {name: self.voices.seen(name, rows) for name in predictor.members}
            nobody_knows = np.zeros(len(next(iter(seen.values()))), dtype=np.int64)
            found.append(compute(self.voices.combined(predictor, seen, nobody_knows).predictions, rows))
        return np.concatenate(found)


def write_foreign(
    pool: Pool, name: str, said: Mapping[str, NDArray[np.float32]], *, data: str, fingerprint: str
) -> None:
    """Keep what members say of a foreign set, in place of what is kept of that name.

    Args:
        pool: of the members.
        name: of the set.
        said: log-probabilities [sample, class], by id of the member.
        data: the data set in its text form.
        fingerprint: SHA-256 of its inputs.

    Raises:
        StorageError: it cannot be written.
    """
    content = safetensors.numpy.save({member: np.ascontiguousarray(own) for member, own in said.items()})
    record = ForeignSet(
        data=data,
        fingerprint=fingerprint,
        rows=len(next(iter(said.values()))),
        members=tuple(said),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    path = pool.folder / FOLDER / f"{name}.json"
    write_whole(path.with_suffix(".safetensors"), content)
    write_whole(path, seal(record.model_dump(mode="json")))


def foreign_sets(pool: Pool) -> dict[str, ForeignSet]:
    """Foreign sets that are kept in a pool, by name; one that is damaged, or half replaced, is passed over and said.

    Raises:
        StorageError: the folder cannot be read.
    """
    found = dict[str, ForeignSet]()
    for path in (
        each for each in own_files(pool.folder / FOLDER, rf"{NAME}|.*\.safetensors") if each.suffix == ".json"
    ):
        try:
            record = unseal(ForeignSet, path)
            check_file(_file(path), record.sha256)
        except PoolError as error:
            warn_once(f"{error}; it is not used")
            continue
        found[path.stem] = record
    return found


def foreign_readers(pool: Pool, members: Collection[str]) -> dict[str, ForeignReader]:
    """Readers of the foreign sets that all of some members have predicted, by name."""
    return {
        name: ForeignReader(Voices(pool.task.target, predictions_of(pool, name, members)), each.rows)
        for name, each in foreign_sets(pool).items()
        if set(members) <= set(each.members)
    }


def predictions_of(pool: Pool, name: str, members: Collection[str]) -> dict[str, Predictions]:
    """What some members say of a foreign set, by id."""
    arrays = map_arrays(_file(pool.folder / FOLDER / f"{name}.json"))
    head = pool.task.target.head("log_probs")
    return {member: head.predictions(arrays[member]) for member in members}


def _file(path: Path) -> Path:
    return path.with_suffix(".safetensors")
