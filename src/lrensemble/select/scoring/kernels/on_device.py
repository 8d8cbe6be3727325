"""What reads all predictions, for predictions on a GPU: in torch, on their device, without a copy on the host.

Only comparisons are made here, and they are exact on any device. The few values that a choice depends on go to the host
and are there what they would have been, bit for bit; the Gram matrix alone is a sum that may differ in its last bits.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.consensus import averaged
from lrensemble.numerics import likeliest
from lrensemble.select.reading import on_host
from lrensemble.select.scoring.kernels.contested import SLACK, UNDERFLOW, Contested
from lrensemble.select.validation import Validation

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Raw = NDArray[np.floating]


def contested_by_block(validation: Validation, votes: bool) -> Iterator[tuple[Contested, Raw, Raw, Labels]]:
    """Blocks of rows: what is contested, the values [column, member] of truth and of rivals, the labels.

    As `contested`, without leaving out columns for the sake of others that are lost whenever they are.
    """
    for start, log_probs in _blocks(validation):
        labels = validation.truth[start : start + log_probs.shape[1]]
        values = _votes(validation, start, log_probs) if votes else log_probs
        found = contested(values, labels)
        truth = _gathered(values, found.row, labels[found.row])
        yield found, truth, _gathered(values, found.row_of_column, found.rival), labels


def contested(values: Tensor, labels: Labels) -> Contested:
    """The contested columns of values [member, sample, class], float32 or float64, by the rules of `_settled`."""
    rows, classes = values.shape[1:]
    truth_class = torch.as_tensor(labels, device=values.device)
    is_truth = torch.zeros((rows, classes), dtype=torch.bool, device=values.device)
    is_truth[torch.arange(rows, device=values.device), truth_class] = True
    rival_first = torch.arange(classes, device=values.device)[None] < truth_class[:, None]
    never_above, never_below, always_above, always_below = (torch.ones_like(is_truth) for _ in range(4))
    for others in values:
        truth = others.gather(1, truth_class[:, None])
        never_above &= truth <= others
        never_below &= truth >= others
        always_above &= (truth > others + SLACK) & (truth > UNDERFLOW)
        always_below &= (others > truth + SLACK) & (others > UNDERFLOW)
    won = always_above | (never_below & ~rival_first)
    lost = (always_below | (never_above & rival_first)) & ~is_truth
    always_wrong = lost.any(dim=1)
    keep = on_host(~won & ~is_truth & ~always_wrong[:, None])
    row_of_column, rivals = np.nonzero(keep)
    return Contested(np.unique(row_of_column), row_of_column, rivals, np.flatnonzero(on_host(always_wrong)))


def predicted_classes(validation: Validation) -> Labels:
    """[member, sample] each member's likeliest class; ties go to the lowest.

    Where the two highest logarithms are so close that their exponentials may be equal, the host decides.
    """
    return np.concatenate([_predicted(validation, start, block) for start, block in _blocks(validation)], axis=1)


def error_grams(validation: Validation, consensus: str, weights: Floats | None) -> Floats:
    """[view, member, member] weighted means over rows of the inner products of the members' errors, in float64."""
    members, device = validation.members, validation.predictions.device
    views = np.ones((1, len(validation.truth))) if weights is None else weights
    grams = torch.zeros((len(views), members, members), dtype=torch.float64, device=device)
    for start, log_probs in _blocks(validation):
        votes = averaged(consensus) == "votes"
        errors = _votes(validation, start, log_probs).double() if votes else log_probs.double().exp()
        labels = torch.as_tensor(validation.truth[start : start + errors.shape[1]], device=device)
        errors[:, torch.arange(len(labels), device=device), labels] -= 1
        for gram, row in zip(grams, views, strict=True):
            shares = torch.as_tensor(np.sqrt(row[start : start + len(labels)]), device=device)
            flat = (errors * shares[None, :, None]).reshape(members, -1)
            gram += flat @ flat.T
    return np.asarray(on_host(grams) / views.sum(axis=1)[:, None, None])


def _blocks(validation: Validation) -> Iterator[tuple[int, Tensor]]:
    """The place of the first row, and log-probabilities [member, sample, class] as float32 or float64."""
    step = validation.block_rows(validation.members)
    kind = torch.promote_types(validation.predictions.dtype, torch.float32)
    for start in range(0, len(validation.truth), step):
        yield start, validation.predictions[:, start : start + step].to(kind)


def _votes(validation: Validation, start: int, log_probs: Tensor) -> Tensor:
    """[member, sample, class] one for the likeliest class, in float32."""
    predicted = torch.as_tensor(_predicted(validation, start, log_probs), device=log_probs.device)
    return torch.zeros(log_probs.shape, device=log_probs.device).scatter_(2, predicted[:, :, None], 1.0)


def _predicted(validation: Validation, start: int, log_probs: Tensor) -> Labels:
    highest = log_probs.amax(dim=2, keepdim=True)
    close = on_host((log_probs >= highest - SLACK).sum(dim=2) > 1)
    predicted = on_host(log_probs.argmax(dim=2)).copy()
    for member in np.flatnonzero(close.any(axis=1)).tolist():
        rows = np.flatnonzero(close[member])
        predicted[member, rows] = likeliest(validation.predictions_of([member], rows + start)[0])
    return predicted


def _gathered(values: Tensor, rows: Labels, classes: Labels) -> Raw:
    """[column, member] the values at pairs of a row and a class, on the host."""
    row, column = (torch.as_tensor(index, device=values.device) for index in (rows, classes))
    return np.ascontiguousarray(on_host(values[:, row, column]).T)
