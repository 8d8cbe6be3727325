"""Test rows that may be copies of one another: intervals take each for an observation of its own, unless it is told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lrensemble.files import release
from lrensemble.pool import Pool
from lrensemble.targets import Predictions

SHARE = 0.5
"""Share of the rows that must equal another one: fewer widen no interval much."""
VALUES, MOST_VALUES = 0.1, 1000
"""Different numbers that such rows must be given, as a share of all rows and at most: trees, votes of neighbours and
probabilities that have reached 1 give many rows the same few, which are no copies therefore."""
BLOCK_BYTES = 2**23

Keys = NDArray[np.uint64]


def notes_on_copies(pool: Pool, tests: Sequence[str]) -> list[str]:
    """A line for each test set without groups most of whose rows look like copies of others.

    Args:
        pool: whose members have predicted them.
        tests: names of the test sets.
    """
    notes = []
    for split in tests:
        if pool.groups(split) is not None:
            continue
        truth = pool.truth(split)
        if count := copied_rows(truth, [member.predictions(split) for member in pool.members()]):
            notes.append(
                f"{count:,} of the {len(truth):,} {split} rows equal another one to the bit, in truth and in all that "
                "members predict: if they are copies, the intervals are too narrow; give copies of one row one group "
                "(`groups`, as for rows of one patient)."
            )
    return notes


def copied_rows(truth: NDArray[np.generic], predictions: Sequence[Predictions]) -> int:
    """Number of rows that look like copies of another one; 0 where those are not most rows.

    Most rows must have the truth of another one and, to the bit, its predictions by all members; these must be real
    numbers, and many different ones; and rows with the same predictions must always have the same truth. Where rows
    are alike because inputs or members are coarse, the truth of a few differs from that of its likes, by chance.

    Args:
        truth: of the rows [sample] or [sample, output].
        predictions: of all members.

    Returns:
        The number; it costs the predictions of one member as a rule, for no two rows of these are the same.
    """
    parts = [part for said in predictions for part in said.parts.values()]
    real = [part for part in parts if part.dtype.kind == "f"]
    keys: Keys = np.zeros(len(truth), dtype=np.uint64)
    for part in [*real, *(part for part in parts if part.dtype.kind != "f")] if real else ():
        keys = _mixed(keys, part)
        release([part])
        if not _are_most(_counts(keys)):
            return 0
    with_truth = _mixed(keys, truth)
    counts = _counts(with_truth)
    if not _are_most(counts) or len(np.unique(keys)) != len(np.unique(with_truth)):
        return 0
    firsts = np.unique(with_truth[counts > 1], return_index=True)[1]
    rows = np.flatnonzero(counts > 1)[firsts]
    return int((counts > 1).sum()) if _are_many(real, rows, min(MOST_VALUES, VALUES * len(truth))) else 0


def _counts(keys: Keys) -> NDArray[np.int64]:
    """Number of rows with the key of each row [sample]."""
    _, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return np.asarray(counts[place], dtype=np.int64)


def _are_most(counts: NDArray[np.int64]) -> bool:
    return bool((counts > 1).mean() > SHARE)


def _mixed(keys: Keys, part: NDArray[np.generic]) -> Keys:
    """Keys [sample] that are the same where they were and the rows of an array are, to the bit.

    Others agree by chance once in about 2**64: a sum of the words of a row, each times an odd number, modulo 2**64.
    """
    columns = part.reshape(len(part), -1)
    odd = 2 * np.random.default_rng(0).integers(2**63, size=columns.shape[1] + 1, dtype=np.uint64) + 1
    mixed: Keys = (keys ^ (keys >> np.uint64(32))) * odd[-1]
    step = max(1, BLOCK_BYTES // (8 * max(1, columns.shape[1])))
    for start in range(0, len(columns), step):
        block = np.ascontiguousarray(columns[start : start + step])
        words = block.view(f"u{block.itemsize}").astype(np.uint64)
        words ^= words >> np.uint64(32)  # the low bits of many doubles are all zero
        mixed[start : start + step] += (words * odd[:-1]).sum(axis=1, dtype=np.uint64)
    return mixed


def _are_many(parts: Sequence[NDArray[np.generic]], rows: NDArray[np.int64], least: float) -> bool:
    """Whether some rows hold more different numbers than so many."""
    found: NDArray[np.float64] = np.empty(0)
    for part in parts:
        found = np.unique(np.concatenate([found, part[rows[:MOST_VALUES]].astype(np.float64).ravel()]))
        if len(found) > least:
            return True
    return False
