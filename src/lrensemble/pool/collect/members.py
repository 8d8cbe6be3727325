"""Predictions of one member as another program wrote them, and as they are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import scipy
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.files import release
from lrensemble.pool.arrays import Arrays
from lrensemble.pool.collect.names import DENSE, KEPT_AS, OF_VALUES, GivenForm
from lrensemble.targets import (
    LOG_ZERO,
    LogProbs,
    Predictions,
    Target,
    check_probabilities,
    predictions_of,
)

Indices = NDArray[np.int64]

AT_ONCE = 2**20
"""Numbers that are converted together."""


@dataclass(frozen=True)
class Said:
    """Predictions of a member on the rows of a split: arrays of a file, and what is to be made of dense ones.

    Numbers [sample, class] are taken some rows at a time, so that a member is never copied as a whole.
    """

    where: str
    """File and array, for messages."""
    parts: Arrays
    """Arrays [sample, …] by name; that of the form itself is empty."""
    order: Indices | None = None
    """Places of the rows that all files share, in the order that all share; None where that is its own."""
    kept: Indices | None = None
    """Places in the file of the rows that were not left out, where some of dense predictions were."""
    columns: Indices | None = None
    """Places in the file of the columns of dense predictions; None where they are in the order of all files."""
    sums: NDArray[np.float64] | None = None
    """[sample] what rows of rounded probabilities sum to, by which they are divided; None where that is one."""

    def __len__(self) -> int:
        return len(self.parts[""] if self.kept is None else self.kept)

    def places(self, rows: Indices) -> Indices:
        """Places of some of the shared rows among those that were not left out."""
        return rows if self.order is None else self.order[rows]

    def dtype(self, part: str) -> np.dtype[Any]:
        """Type of what `take` gives."""
        own = self.parts[part].dtype
        return own if self.sums is None or part else np.result_type(own, self.sums)

    def take(self, part: str, places: Indices) -> NDArray[Any]:
        """Some rows of a part, by their places among those that were not left out."""
        found: NDArray[Any] = self.parts[part][places if self.kept is None else self.kept[places]]
        if self.columns is not None:
            found = found[:, self.columns]
        return found if self.sums is None or part else found / self.sums[places][:, None]

    def blocks(self, part: str, places: Indices) -> Iterator[tuple[int, NDArray[Any]]]:
        """Rows of a part, so many at once; each with the number of those before it."""
        array = self.parts[part]
        step = max(1, AT_ONCE * len(array) // array.size)
        for start in range(0, len(places), step):
            yield start, self.take(part, places[start : start + step])


@dataclass(frozen=True)
class CollectedMember:
    """Predictions of one member, in the form in which files hold them."""

    name: str
    form: GivenForm
    said: Mapping[str, Said]
    """What it says, by split."""

    def release(self) -> None:
        """Let go of the pages of its file, where that is mapped; what is used again is read again."""
        release(part for said in self.said.values() for part in said.parts.values())

    def ordered(self, orders: Mapping[str, Indices]) -> Self:
        """The member with the shared order of rows of some splits."""
        return replace(
            self,
            said={
                split: replace(said, order=orders[split]) if split in orders else said
                for split, said in self.said.items()
            },
        )

    def id(self, orders: Mapping[str, Indices]) -> str:
        """Short hash of the name and the predictions: a member that is collected twice is one member.

        Args:
            orders: order of the rows in the pool, for splits that are the pool's own; of others it is the shared one.
        """
        digest = hashlib.sha256(f"{self.name}\n{self.form}".encode())
        for split, said in self.said.items():
            rows = said.places(orders.get(split, np.arange(len(said))))
            for part, array in said.parts.items():
                key = "/".join(filter(None, (split, part)))
                digest.update(f"\n{key} {said.dtype(part)} {(len(said), *array.shape[1:])}\n".encode())
                for _, block in said.blocks(part, rows):
                    digest.update(block.tobytes())
        return digest.hexdigest()[:12]

    def check_columns(self, target: Target) -> None:
        """Refuse dense predictions of another number of columns.

        Raises:
            PredictionsError: the array is named.
        """
        for said in self.said.values() if self.form in DENSE else ():
            if (columns := said.parts[""].shape[1]) != target.width:
                noun = target.nouns[0]
                raise PredictionsError(
                    f"{said.where} of {self.name} have {columns} {noun}; the pool has {target.width}"
                )

    def check(self, split: str, target: Target, choices: Indices | None) -> None:
        """Refuse what is no prediction of the target.

        Args:
            split: a split of the files.
            target: what the truth of a row is.
            choices: number of answers of the shared rows, where it differs.

        Raises:
            PredictionsError: the array and the first bad row of the file are named.
        """
        said = self.said[split]
        where, counts = f"{said.where} of {self.name}", _in_file(said, choices)
        main = said.parts[""]
        if self.form in DENSE:
            for start, block in said.blocks("", np.arange(len(said))):
                _check_dense(self.form, _padded(self.form, block.astype(np.float64), start, counts), where, start)
            return
        if "variance" in said.parts and not (said.parts["variance"] > 0).all():
            row = int(np.argmin((said.parts["variance"] > 0).all(axis=1)))
            raise PredictionsError(f"{where}: row {row} has a variance of 0 or less, or NaN; give positive ones")
        everything = self._kept(said, np.arange(len(main)))
        target.check(everything, len(main), where)
        if counts is not None and everything.form == "labels" and (main >= counts).any():
            row = int(np.argmax(main >= counts))
            raise PredictionsError(f"{where}: label {main[row]} in row {row}, which has {counts[row]} choices")

    def predictions(self, split: str, rows: Indices, choices: Indices | None) -> Predictions:
        """Predictions that were checked, on some of the shared rows, in the form and type that they are kept in."""
        said = self.said[split]
        places, main = said.places(rows), said.parts[""]
        if self.form not in DENSE:
            return self._kept(said, places)
        own_type = self.form == "log_probs" and main.dtype == np.float16
        log_probs = np.empty((len(rows), main.shape[1]), np.float16 if own_type else np.float32)
        counts = _in_file(said, choices)
        for start, block in said.blocks("", places):
            values = _padded(self.form, block.astype(np.float64), start, None if counts is None else counts[places])
            log_probs[start : start + len(block)] = np.maximum(_as_log_probs(self.form, values), LOG_ZERO)
        return LogProbs(log_probs)

    def _kept(self, said: Said, places: Indices) -> Predictions:
        everything = bool(len(places) == len(said)) and bool((places == np.arange(len(said))).all())
        parts = {part: array if everything else array[places] for part, array in said.parts.items()}
        if "variance" in parts:
            variance = parts.pop("variance")
            parts["log_variance"] = np.log(variance.astype(np.float64)).astype(variance.dtype)
        if self.form in OF_VALUES:  # whole numbers are values as well
            parts = {part: array if array.dtype.kind == "f" else array.astype(float) for part, array in parts.items()}
        parts = {part: _storable(array) for part, array in parts.items()}
        if "top_k_probs" in parts:
            parts["probs"] = parts.pop("top_k_probs")
        return predictions_of(KEPT_AS[self.form], parts)


def _storable(array: NDArray[Any]) -> NDArray[Any]:
    """Numbers wider than files hold in float64; all else as it is."""
    return array.astype(np.float64) if array.dtype.kind == "f" and array.dtype.itemsize > 8 else array


def _in_file(said: Said, choices: Indices | None) -> Indices | None:
    """Numbers of answers in the file's order of rows."""
    if choices is None or said.order is None:
        return choices
    counts = np.empty_like(choices)
    counts[said.order] = choices
    return counts


def _padded(form: GivenForm, block: NDArray[np.float64], start: int, counts: Indices | None) -> NDArray[np.float64]:
    """Rows with nothing said of answers that they do not have."""
    if counts is None:
        return block
    pads = np.arange(block.shape[1]) >= counts[start : start + len(block), None]
    return np.where(pads, 0.0 if form == "probs" else -np.inf, block)


def _check_dense(form: GivenForm, block: NDArray[np.float64], where: str, start: int) -> None:
    if form != "logits":
        with np.errstate(over="ignore"):
            check_probabilities(np.exp(block) if form == "log_probs" else block, where, start)
        return
    bad = np.flatnonzero(~np.isfinite(block.max(axis=1)))
    if len(bad):
        raise PredictionsError(f"{where}: row {start + bad[0]} holds NaN or no finite number; give logits")


def _as_log_probs(form: GivenForm, block: NDArray[np.float64]) -> NDArray[np.float64]:
    if form == "log_probs":
        return block
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return np.asarray(np.log(block) if form == "probs" else scipy.special.log_softmax(block, axis=-1))
