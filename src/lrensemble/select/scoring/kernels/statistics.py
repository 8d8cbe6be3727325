"""The few numbers that NLL and Brier score depend on, read block of rows by block of rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import averaged
from lrensemble.numerics import likeliest
from lrensemble.select.base import Validation, on_host

Floats = NDArray[np.float64]


def blocks(validation: Validation) -> Iterator[tuple[NDArray[np.floating], NDArray[np.int64]]]:
    """Log-probabilities [member, sample, class] as float32 or float64, and labels [sample], some rows at a time."""
    step = validation.block_rows(validation.members)
    for start in range(0, len(validation.labels), step):
        log_probs = on_host(validation.log_probs[:, start : start + step])
        kind = np.promote_types(log_probs.dtype, np.float32)
        yield log_probs.astype(kind, copy=False), validation.labels[start : start + step]


def of_labels(validation: Validation, consensus: str) -> Floats:
    """[member, sample] what each member gives the label: its probability, or one vote or none where votes are averaged.

    The same array each time; it is not to be written to.
    """
    if averaged(consensus) == "votes":
        return np.asarray(predicted_classes(validation) == validation.labels, dtype=np.float64)

    def compute() -> Floats:
        rows = np.arange(len(validation.labels))
        return np.asarray(np.exp(on_host(validation.log_probs[:, rows, validation.labels]).astype(np.float64)))

    return validation.once("of_labels", None, compute)


def predicted_classes(validation: Validation) -> NDArray[np.int64]:
    """[member, sample] each member's likeliest class; ties go to the lowest.

    The same array each time; it is not to be written to.
    """

    def compute() -> NDArray[np.int64]:
        if validation.accelerated:
            from lrensemble.select.scoring.kernels import on_device

            return on_device.predicted_classes(validation)
        return np.concatenate([likeliest(_probs(block)) for block, _ in blocks(validation)], axis=1)

    return validation.once("predicted_classes", None, compute)


def error_gram(validation: Validation, consensus: str) -> Floats:
    """[member, member] weighted mean over rows of the inner products of the members' errors, p - onehot(label).

    Where votes are averaged a member's p is its vote. Of views that belong together all are computed at once.
    """

    def compute(weights: Floats | None) -> Floats:
        if validation.accelerated:
            from lrensemble.select.scoring.kernels import on_device

            return on_device.error_grams(validation, consensus, weights)
        return error_grams(validation, consensus, weights)

    return np.asarray(validation.for_views(("gram", averaged(consensus)), compute))


def error_grams(validation: Validation, consensus: str, weights: Floats | None) -> Floats:
    """[view, member, member] as `error_gram`, for weights [view, sample] of the rows, or once for each row."""
    if weights is None or len(weights) == 1:
        return _one_gram(validation, consensus, None if weights is None else weights[0])[None]
    members = validation.members
    grams, start = np.zeros((len(weights), members * members)), 0
    for errors in _errors(validation, consensus):
        by_row = errors.transpose(1, 0, 2)
        step = max(1, validation.block_bytes // (8 * members * members))
        for begin in range(0, len(by_row), step):
            part = by_row[begin : begin + step]
            products = part @ part.transpose(0, 2, 1)  # [row, member, member]
            grams += weights[:, start : start + len(part)] @ products.reshape(len(part), -1)
            start += len(part)
    grams /= weights.sum(axis=1, keepdims=True)
    return grams.reshape(-1, members, members)


def _one_gram(validation: Validation, consensus: str, weights: Floats | None) -> Floats:
    gram, start = np.zeros((validation.members, validation.members)), 0
    for errors in _errors(validation, consensus):
        if weights is not None:
            errors *= np.sqrt(weights[start : start + errors.shape[1]])[None, :, None]
            start += errors.shape[1]
        flat = errors.reshape(validation.members, -1)
        gram += flat @ flat.T
    return gram / (len(validation.labels) if weights is None else weights.sum())


def _errors(validation: Validation, consensus: str) -> Iterator[Floats]:
    """[member, sample, class] errors of the members, some rows at a time."""
    for log_probs, labels in blocks(validation):
        errors = _probs(log_probs)
        if averaged(consensus) == "votes":
            errors = (likeliest(errors)[:, :, None] == np.arange(errors.shape[2])).astype(np.float64)
        errors[:, np.arange(len(labels)), labels] -= 1
        yield errors


def _probs(log_probs: NDArray[np.floating]) -> Floats:
    return np.asarray(np.exp(log_probs.astype(np.float64)))
