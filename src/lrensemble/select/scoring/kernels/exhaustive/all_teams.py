"""One way in to the scores of all subsets of the members, for metrics and consensus functions that have a kernel."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, is_average, is_linear
from lrensemble.consensus.arrays import safe_log
from lrensemble.metrics import METRICS
from lrensemble.select.scoring.kernels.columns import Columns, contested_columns
from lrensemble.select.scoring.kernels.confusion import block_scores, confusion_counter
from lrensemble.select.scoring.kernels.exhaustive.accuracy import wrong_rows
from lrensemble.select.scoring.kernels.exhaustive.brier import negative_briers
from lrensemble.select.scoring.kernels.exhaustive.definition import decider
from lrensemble.select.scoring.kernels.exhaustive.geometric import geometric_scores
from lrensemble.select.scoring.kernels.exhaustive.nll import group_rows, log_likelihoods
from lrensemble.select.scoring.kernels.statistics import error_gram, of_labels
from lrensemble.select.scoring.kernels.subsets import Halves
from lrensemble.select.validation import Validation
from lrensemble.spec import Spec, SpecLike

HALF_BITS = 12
"""Members of a half at most: tables of 2^12 entries stay in the cache of a core."""

TABLE_BYTES = 128 * 2**20
"""Memory for the tables of accuracy; what does not fit is taken in parts."""

MAX_MEMBERS = 62
"""A team is a mask in a signed integer of 64 bits."""

Counts = NDArray[np.signedinteger]
BlockScorer = Callable[[Halves], NDArray[np.float64]]
"""From a block of teams to their scores [2^bits], higher is better; position p is the team `top << bits | p`."""


def has_kernel(metric: SpecLike, consensus: SpecLike) -> bool:
    """Whether teams are scored many at once, and not one by one by the definition."""
    metric, consensus = METRICS.check(metric), CONSENSUS.check(consensus)
    if metric == Spec("accuracy") or METRICS.facts(metric).of_confusion is not None:
        return is_average(consensus)
    loss = metric == Spec("nll") or METRICS.facts(metric).quadratic
    return loss and (is_linear(consensus) or consensus == Spec("geometric_mean"))


def block_scorer(validation: Validation, metric: SpecLike, consensus: SpecLike) -> BlockScorer | None:
    """What scores blocks of teams with equal weights, prepared once; None where there is no kernel."""
    metric, consensus = METRICS.check(metric), CONSENSUS.check(consensus)
    if validation.members > MAX_MEMBERS or not has_kernel(metric, consensus):
        return None
    if metric == Spec("accuracy"):
        return _accuracy(validation, consensus.name)
    counter = confusion_counter(validation, metric, consensus)
    if counter is not None:
        return partial(block_scores, counter)
    if consensus == Spec("geometric_mean"):
        rows = validation.counted
        logs = safe_log(validation.predictions_of(range(validation.members), rows))
        labels, weights = validation.truth[rows], validation.row_weights[rows]
        return lambda halves: geometric_scores(logs, labels, weights, halves, metric.name == "brier")
    if metric == Spec("nll"):
        return _nll(validation, consensus.name)
    gram = error_gram(validation, consensus.name)
    return lambda halves: negative_briers(gram, halves)


def _nll(validation: Validation, consensus: str) -> BlockScorer:
    rows = validation.counted
    of_label, weights = of_labels(validation, consensus)[:, rows], validation.row_weights[rows]
    if validation.accelerated:
        from lrensemble.select.scoring.kernels.exhaustive import on_device

        return on_device.nll_scorer(of_label, weights, validation.predictions.device)
    likelihoods = group_rows(of_label, weights)
    return lambda halves: log_likelihoods(likelihoods, halves)


def _accuracy(validation: Validation, consensus: str) -> BlockScorer:
    columns = contested_columns(validation, consensus)
    times, total = validation.row_weights, validation.total_weight
    most_right = total - times[columns.always_wrong].sum()
    parts = [
        (weight, _wrong_counter(validation, columns_of_weight, consensus))
        for weight, columns_of_weight in _by_weight(columns, times)
    ]

    def scores(halves: Halves) -> NDArray[np.float64]:
        wrong: NDArray[np.float64] = np.zeros(1 << halves.bits)
        for weight, count in parts:
            wrong += count(halves) if weight == 1 else weight * count(halves)
        np.subtract(most_right, wrong, out=wrong)
        wrong /= total
        return wrong

    return scores


def _by_weight(columns: Columns, weights: NDArray[np.float64]) -> list[tuple[float, Columns]]:
    """The contested rows of each weight [row] above zero together: whole rows are counted fast, and then multiplied."""
    own = weights[columns.row]
    distinct = np.unique(own[own > 0]).tolist()
    if len(distinct) == 1 and own.all():
        return [(distinct[0], columns)]
    return [(weight, columns.of_rows(own == weight)) for weight in distinct]


def _wrong_counter(validation: Validation, columns: Columns, consensus: str) -> Callable[[Halves], Counts]:
    decide = decider(validation, columns, consensus)
    if validation.accelerated:
        from lrensemble.select.scoring.kernels.exhaustive import on_device

        return on_device.wrong_counter(columns, decide, validation.predictions.device)
    return lambda halves: wrong_rows(columns, halves, TABLE_BYTES, decide)


def split(members: int) -> Halves:
    """The first block of a pool of so many members; the other blocks differ in `top`."""
    low = min(HALF_BITS, (members + 1) // 2)
    return Halves(low, min(HALF_BITS, members - low), top=0)
