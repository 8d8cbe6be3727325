"""What selection reads of members: some rows at a time, from one array or from each member's own memory map.

Nothing here holds the predictions of a pool as a whole.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.files import release
from lrensemble.numerics import namespace
from lrensemble.targets import SUM_TOLERANCE, Need, Predictions, Target

Floats = NDArray[np.float64]
Rows = NDArray[np.int64] | slice

ACCELERATORS = ("cuda",)
"""Kinds of devices on which torch tensors stay; all others are read as numpy arrays."""

READ_BYTES = 256 * 2**20
"""Predictions that are read before the pages of members' files are let go."""

CHECKED_AT_ONCE = 2**20
"""Numbers of a member that are checked together."""


class ArrayReader:
    """One array [member, sample, column], in numpy or torch: all members say all."""

    def __init__(self, array: Any, target: Target) -> None:
        self.array = array
        self.shape = tuple(array.shape)
        self._serves = target.dense_serves(self.shape[2])

    def dense(self, members: NDArray[np.int64], rows: Rows) -> NDArray[np.floating]:
        """[member, sample, column] of some members on some rows; a view where all are asked for."""
        if isinstance(rows, slice):
            everybody = len(members) == self.shape[0] and bool((members == np.arange(self.shape[0])).all())
            return on_host(self.array[:, rows] if everybody else self.array[members, rows])
        return on_host(self.array[members[:, None], rows[None]])

    def of_truth(self, truth: NDArray[np.int64]) -> Floats:
        """[member, sample] the probability that each member gives the true class."""
        chosen = on_host(self.array[:, np.arange(self.shape[1]), truth]).astype(np.float64)
        return np.exp(chosen, out=chosen)

    def needs_served(self, member: int) -> frozenset[Need]:  # noqa: ARG002
        """Needs that dense predictions of so many columns serve."""
        return self._serves

    def members(self, chosen: Sequence[int]) -> Any:
        """The array of some members."""
        return self.array[list(chosen)]


class MembersReader:
    """Predictions of each member in its own form; blocks of rows are put together when they are asked for."""

    def __init__(self, given: Sequence[Predictions], target: Target) -> None:
        self.given = tuple(given)
        self._width, self._unreleased = target.width, 0
        distributions = all("distribution" in one.needs_served for one in self.given)
        self.shape = (len(self.given), len(self.given[0]), target.dense_widths[-1] if distributions else target.width)

    def dense(self, members: NDArray[np.int64], rows: Rows) -> NDArray[np.floating]:
        """[member, sample, column] of some members on some rows."""
        columns = self.shape[2]
        parts = np.stack([self.given[member][rows].dense(self._width)[:, :columns] for member in members])
        self._unreleased += parts.nbytes
        if self._unreleased > READ_BYTES:
            self._unreleased = 0
            release_all(self.given)
        return parts

    def of_truth(self, truth: NDArray[np.int64]) -> Floats:
        """[member, sample] the probability that each member gives the true class."""
        found = np.empty((len(self.given), len(truth)))
        for own, one in zip(found, self.given, strict=True):
            own[:] = one.of_truth(truth, self._width)
            release_all([one])
        return found

    def needs_served(self, member: int) -> frozenset[Need]:
        """Needs that the member's form serves."""
        return self.given[member].needs_served

    def members(self, chosen: Sequence[int]) -> tuple[Predictions, ...]:
        """Predictions of some members."""
        return tuple(self.given[member] for member in chosen)


def reader(predictions: Any, target: Target) -> ArrayReader | MembersReader:
    """What reads predictions: of each member apart, or in one array.

    Raises:
        PredictionsError: not [member, sample, column], an axis without entries, other columns than the target has.
    """
    if is_by_member(predictions):
        rows = {len(one) for one in predictions}
        if len(rows) != 1 or 0 in rows:
            raise PredictionsError(f"members have predictions of {sorted(rows)} rows; give the same rows of each")
        for place, one in enumerate(predictions):
            target.check(one, len(one), f"member {place}")
            release_all([one])
        return MembersReader(predictions, target)
    if predictions.shape[2] not in target.dense_widths:
        raise PredictionsError(
            f"predictions have {predictions.shape[2]} columns; the target has {target.width} {target.nouns[0]}"
        )
    if target.has_labels:
        _check_sums(predictions)
    return ArrayReader(predictions, target)


def release_all(given: Sequence[Predictions]) -> None:
    """Let go of the pages of memory-mapped predictions that were read."""
    release(part for one in given for part in one.parts.values())


def is_by_member(predictions: Any) -> bool:
    """Whether predictions are given member by member, each in a form of its own."""
    return isinstance(predictions, list | tuple) and bool(predictions) and isinstance(predictions[0], Predictions)


def is_accelerated(array: Any) -> bool:
    """Whether an array lies on a GPU."""
    return getattr(getattr(array, "device", None), "type", None) in ACCELERATORS


def on_host(array: Any) -> NDArray[Any]:
    """Numpy or torch, wherever it lies, as numpy; bfloat16, which numpy has not, as float32."""
    if hasattr(array, "detach"):
        array = array.detach().cpu()
        array = array.float() if str(array.dtype) == "torch.bfloat16" else array
    return np.asarray(array)


def _check_sums(log_probs: Any) -> None:
    """Refuse what is no distribution over classes, member by member and block of rows by block of rows."""
    members, rows, classes = log_probs.shape
    xp = namespace(log_probs)
    step = max(1, CHECKED_AT_ONCE // classes)
    for member, start in itertools.product(range(members), range(0, rows, step)):
        with np.errstate(over="ignore"):  # logits may be large; they are refused below
            sums = on_host(xp.sum(xp.exp(xp.astype(log_probs[member, start : start + step], xp.float32)), axis=1))
        bad = np.flatnonzero(~(np.abs(sums - 1) <= SUM_TOLERANCE))
        if len(bad):
            row = int(bad[0])
            reason = "holds NaN" if np.isnan(sums[row]) else f"does not sum to one (sum {sums[row]:.6g}; logits?)"
            raise PredictionsError(
                f"log_probs: member {member}, row {start + row} {reason}; give natural logarithms of probabilities"
            )
