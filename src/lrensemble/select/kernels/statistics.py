"""The few numbers that NLL and Brier score depend on, read block of rows by block of rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.base import Validation

Floats = NDArray[np.float64]

BLOCK_BYTES = 64 * 2**20
"""Memory for the rows that are looked at together, as float64."""


def blocks(validation: Validation) -> Iterator[tuple[NDArray[np.floating], NDArray[np.int64]]]:
    """Log-probabilities [member, sample, class] as float32 or float64, and labels [sample], some rows at a time."""
    members, rows, classes = validation.log_probs.shape
    step = max(1, BLOCK_BYTES // (8 * members * classes))
    kind = np.promote_types(validation.log_probs.dtype, np.float32)
    for start in range(0, rows, step):
        stop = start + step
        yield np.asarray(validation.log_probs[:, start:stop], dtype=kind), validation.labels[start:stop]


def of_labels(validation: Validation, consensus: str) -> Floats:
    """[member, sample] what each member gives the label: its probability, or one vote or none under `plurality`."""
    if consensus == "plurality":
        votes = [_probs(block).argmax(axis=2) == labels for block, labels in blocks(validation)]
        return np.concatenate(votes, axis=1).astype(np.float64)
    parts = [block[:, np.arange(len(labels)), labels] for block, labels in blocks(validation)]
    return np.asarray(np.exp(np.concatenate(parts, axis=1).astype(np.float64)))


def error_gram(validation: Validation, consensus: str, rows: NDArray[np.int64] | None = None) -> Floats:
    """[member, member] mean over rows of the inner products of the members' errors, p - onehot(label).

    Under `plurality` a member's p is its vote. `rows` [row] are those to take, repeated where they count more than
    once; all unless given.
    """
    members, count, classes = validation.log_probs.shape
    repeats = np.ones(count) if rows is None else np.bincount(rows, minlength=count)
    gram, start = np.zeros((members, members)), 0
    for log_probs, labels in blocks(validation):
        errors = _probs(log_probs)
        if consensus == "plurality":
            errors = (errors.argmax(axis=2)[:, :, None] == np.arange(classes)).astype(np.float64)
        errors[:, np.arange(len(labels)), labels] -= 1
        errors *= np.sqrt(repeats[start : start + len(labels), None])
        flat = errors.reshape(members, -1)
        gram += flat @ flat.T
        start += len(labels)
    return np.asarray(gram / repeats.sum())


def _probs(log_probs: NDArray[np.floating]) -> Floats:
    return np.asarray(np.exp(log_probs.astype(np.float64)))
