"""Members that have learned nothing: their predictions do not know the labels of these rows from those of others.

Were a member's predictions independent of the labels, any permutation of the labels would fit them as well. What a
member gives the labels, a(i, y_i) = log p_i(y_i), is compared with what it gives permuted ones; mean and variance over
all permutations are known (Hoeffding 1951, th. 2; normal in the limit, th. 3). Neither calibration nor accuracy
matters: a member that always names the larger of two classes, and is surer where it is right, has learned.

A member that gives the labels less than permuted ones (whose classes are in another order, say) counts as having
learned nothing, too: no average can use it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lrensemble.numerics import SMALLEST_PROBABILITY
from lrensemble.select.base import Validation, on_host

Floats = NDArray[np.float64]

FIVE_PERCENT = 1.6449
"""Standard deviations of the normal distribution that are exceeded at a chance of 5 %."""

ROWS_FIRST, CLEARLY = 256, 4.0
"""Members that are so many standard deviations above chance on so many rows are not looked at on the others."""

ROUNDING = 1e-9
"""Nats a row that are owed to rounding."""


def learned_nothing(validation: Validation) -> tuple[bool, ...]:
    """[member] whether nothing speaks for a member having learned: one-sided test at 5 %.

    False for all where the rows that count are of one class, so that there is nothing to tell apart.
    """
    counted = np.flatnonzero(validation.row_weights > 0)
    if len(np.unique(validation.labels[counted])) < 2:
        return (False,) * validation.members
    members = np.arange(validation.members)
    first = counted[:: max(1, len(counted) // ROWS_FIRST)]
    if len(first) < len(counted) and len(np.unique(validation.labels[first])) > 1:
        members = members[deviations(validation, members.tolist(), first) < CLEARLY]
    unclear = deviations(validation, members.tolist(), counted) <= FIVE_PERCENT
    nothing = np.zeros(validation.members, dtype=bool)
    nothing[members] = unclear
    return tuple(nothing.tolist())


def members_that_learned(validation: Validation) -> tuple[tuple[int, ...], dict[str, list[int]]]:
    """Positions of the members that have learned something, or of all where none has; details that name the others."""
    nothing = learned_nothing(validation)
    without = [member for member, has_not in enumerate(nothing) if has_not]
    learned = tuple(member for member in range(validation.members) if not nothing[member] or all(nothing))
    return learned, {"learned_nothing": without} if without else {}


def deviations(validation: Validation, members: Sequence[int], rows: NDArray[np.int64]) -> Floats:
    """[member] by how many standard deviations the labels get more than permuted labels do on average."""
    weights, labels = validation.row_weights[rows], validation.labels[rows]
    found = np.empty(len(members))
    step = max(1, validation.block_bytes // (8 * len(rows) * int(validation.log_probs.shape[2])))
    for start in range(0, len(members), step):
        part = list(members[start : start + step])
        found[start : start + step] = _deviations(_clipped(validation, part, rows), labels, weights)
    return found


def _clipped(validation: Validation, members: list[int], rows: NDArray[np.int64]) -> Floats:
    """[member, sample, class] log-probabilities, as NLL clips them."""
    numbers = on_host(validation.log_probs[np.array(members)[:, None], rows[None]]).astype(np.float64)
    return np.asarray(np.maximum(numbers, np.log(SMALLEST_PROBABILITY), out=numbers))


def _deviations(gives: Floats, labels: NDArray[np.int64], weights: Floats) -> Floats:
    """[member] of what members give every class [member, sample, class], rows counted by their weights [sample]."""
    total = weights.sum()
    shares = np.bincount(labels, weights=weights, minlength=gives.shape[2]) / total
    of_label = gives[:, np.arange(len(labels)), labels]
    by_row = gives @ shares  # [member, sample] the mean over permutations
    excess = (of_label - by_row) @ weights
    gives -= by_row[:, :, None]
    gives -= np.einsum("msc,s->mc", gives, weights / total)[:, None]
    np.square(gives, out=gives)
    variance = np.einsum("msc,s,c->m", gives, weights**2, shares, optimize=True) * len(labels) / (len(labels) - 1)
    excess[excess <= ROUNDING * total] = 0.0
    return np.asarray(np.divide(excess, np.sqrt(variance), out=np.zeros(len(gives)), where=excess > 0))
