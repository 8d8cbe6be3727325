"""The few numbers that NLL and Brier score depend on, read block of rows by block of rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import averaged
from lrensemble.numerics import likeliest
from lrensemble.select.validation import Validation
from lrensemble.targets import LOG_ZERO

Floats = NDArray[np.float64]


class Block(NamedTuple):
    """Some rows of all members, read together."""

    start: int
    """Place of the first row."""
    values: NDArray[np.floating]
    """[member, sample, column] log-probabilities of classes, or values, as float32 or float64."""
    truth: NDArray[Any]
    """[sample] column of the true class; or values [sample, output]."""
    classes: NDArray[np.int64] | None = None
    """[sample, column] class of each column, rising, where members that know only labels name few; -1 beyond the last.
    None where columns are classes."""

    def class_of(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Classes of columns, each in its row."""
        return columns if self.classes is None else self.classes[rows, columns]


def blocks(validation: Validation) -> Iterator[Block]:
    """All rows, some at a time: no more of them together than `block_bytes` of the validation holds.

    Where members know only labels, the classes that nobody names in a row are left out: no team gives them anything.
    """
    labels = labels_alone(validation)
    if labels is not None:
        yield from _named_classes(validation, labels)
        return
    step = validation.block_rows(validation.members)
    for start in range(0, len(validation.truth), step):
        values = validation.raw(slice(start, start + step))
        kind = np.promote_types(values.dtype, np.float32)
        yield Block(start, values.astype(kind, copy=False), validation.truth[start : start + step])


def labels_alone(validation: Validation) -> list[NDArray[np.integer]] | None:
    """[member] labels [sample], where that is all that any member says."""
    given = validation.by_member
    if given is None or any(one.form != "labels" for one in given):
        return None
    return [one.main for one in given]


def _named_classes(validation: Validation, labels: list[NDArray[np.integer]]) -> Iterator[Block]:
    """Blocks of the classes that are true or named by some member, in every row."""
    members = len(labels)
    step = max(1, validation.block_bytes // (16 * members * min(members + 1, validation.shape[2])))
    for start in range(0, len(validation.truth), step):
        truth = validation.truth[start : start + step]
        named = np.stack([*(one[start : start + step].astype(np.int64) for one in labels), truth], axis=1)
        columns = places_among_named(named)
        rows, width = np.arange(len(truth)), int(columns.max()) + 1
        classes = np.full((len(truth), width), -1)
        classes[rows[:, None], columns] = named
        values = np.full((members, len(truth), width), LOG_ZERO, dtype=np.float32)
        values[np.arange(members)[:, None], rows[None], columns[:, :-1].T] = 0
        yield Block(start, values, columns[:, -1], classes)


def places_among_named(named: NDArray[np.int64]) -> NDArray[np.int64]:
    """[sample, name] the place of each class among the distinct ones that are named in its row, rising."""
    order = np.argsort(named, axis=1, kind="stable")
    ordered = np.take_along_axis(named, order, axis=1)
    places = np.empty_like(named)
    np.put_along_axis(places, order, np.cumsum(np.diff(ordered, axis=1, prepend=ordered[:, :1]) != 0, axis=1), axis=1)
    return places


def of_labels(validation: Validation, consensus: str) -> Floats:
    """[member, sample] what each member gives the label: its probability, or one vote or none where votes are averaged.

    The same array each time; it is not to be written to.
    """
    if averaged(consensus) == "votes":
        return np.asarray(predicted_classes(validation) == validation.truth, dtype=np.float64)
    return validation.of_truth()


def predicted_classes(validation: Validation) -> NDArray[np.int64]:
    """[member, sample] each member's likeliest class; ties go to the lowest.

    The same array each time; it is not to be written to.
    """

    def compute() -> NDArray[np.int64]:
        if validation.accelerated:
            from lrensemble.select.scoring.kernels import on_device

            return on_device.predicted_classes(validation)
        if validation.by_member is not None:
            return np.stack([one.labels() for one in validation.by_member])
        return np.concatenate([likeliest(_probs(block.values)) for block in blocks(validation)], axis=1)

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


def output_grams(validation: Validation) -> Floats:
    """[output, member, member] weighted mean over rows of the products of the members' errors in each output of values.

    Of views that belong together all are computed in one reading.
    """

    def compute(weights: Floats | None) -> Floats:
        rows = np.ones((1, len(validation.truth))) if weights is None else weights
        outputs, members = validation.truth.shape[1], validation.members
        grams = np.zeros((len(rows), outputs, members, members))
        for block in blocks(validation):
            errors = block.values[:, :, :outputs].astype(np.float64) - block.truth
            by_output = np.ascontiguousarray(errors.transpose(2, 0, 1))  # [output, member, sample]
            own = rows[:, block.start : block.start + len(block.truth)]
            for gram, times in zip(grams, own, strict=True):
                gram += (by_output * times) @ by_output.transpose(0, 2, 1)
        return np.asarray(grams / rows.sum(axis=1)[:, None, None, None])

    return np.asarray(validation.for_views(("output_grams",), compute))


def _one_gram(validation: Validation, consensus: str, weights: Floats | None) -> Floats:
    gram, start = np.zeros((validation.members, validation.members)), 0
    for errors in _errors(validation, consensus):
        if weights is not None:
            errors *= np.sqrt(weights[start : start + errors.shape[1]])[None, :, None]
            start += errors.shape[1]
        flat = errors.reshape(validation.members, -1)
        gram += flat @ flat.T
    return gram / (len(validation.truth) if weights is None else weights.sum())


def _errors(validation: Validation, consensus: str) -> Iterator[Floats]:
    """[member, sample, column] errors of the members, some rows at a time.

    Those of values are divided by the root of the number of outputs: the mean squared error is a mean over them.
    """
    for block in blocks(validation):
        if not validation.of_classes:
            outputs = block.truth.shape[1]
            yield (block.values[:, :, :outputs].astype(np.float64) - block.truth) / math.sqrt(outputs)
            continue
        errors = _probs(block.values)
        if averaged(consensus) == "votes":
            errors = (likeliest(errors)[:, :, None] == np.arange(errors.shape[2])).astype(np.float64)
        errors[:, np.arange(len(block.truth)), block.truth] -= 1
        yield errors


def _probs(log_probs: NDArray[np.floating]) -> Floats:
    return np.asarray(np.exp(log_probs.astype(np.float64)))
