"""One way in to the scores of all subsets of the members, for metrics and consensus functions that have a kernel."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS
from lrensemble.metrics import METRICS
from lrensemble.metrics.scores import TINY
from lrensemble.select.base import Validation
from lrensemble.select.kernels.all_accuracy import wrong_rows
from lrensemble.select.kernels.all_brier import negative_briers
from lrensemble.select.kernels.all_geometric import geometric_scores
from lrensemble.select.kernels.all_nll import group_rows, log_likelihoods
from lrensemble.select.kernels.columns import LINEAR, contested_columns
from lrensemble.select.kernels.confusion import block_scores, confusion_counter
from lrensemble.select.kernels.definition import decider
from lrensemble.select.kernels.statistics import error_gram, of_labels
from lrensemble.select.kernels.subsets import Halves
from lrensemble.spec import Spec, SpecLike

HALF_BITS = 12
"""Members of a half at most: tables of 2^12 entries stay in the cache of a core."""

TABLE_BYTES = 128 * 2**20
"""Memory for the tables of accuracy; what does not fit is taken in parts."""

MAX_MEMBERS = 62
"""A team is a mask in a signed integer of 64 bits."""

BlockScorer = Callable[[Halves], NDArray[np.float64]]
"""From a block of teams to their scores [2^bits], higher is better; position p is the team `top << bits | p`."""


def block_scorer(validation: Validation, metric: SpecLike, consensus: SpecLike) -> BlockScorer | None:
    """What scores blocks of teams with equal weights, prepared once; None where there is no kernel."""
    metric, consensus = METRICS.check(metric), CONSENSUS.check(consensus)
    if consensus.arguments or consensus.name not in LINEAR or validation.members > MAX_MEMBERS:
        return None
    if metric == Spec("accuracy"):
        return _accuracy(validation, consensus.name)
    if metric not in (Spec("nll"), Spec("brier")):
        counter = confusion_counter(validation, metric, consensus)
        return None if counter is None else partial(block_scores, counter)
    if consensus.name == "geometric_mean":
        logs = np.log(np.maximum(validation.probs, TINY))
        return lambda halves: geometric_scores(logs, validation.labels, halves, metric.name == "brier")
    if metric == Spec("nll"):
        return _nll(validation, consensus.name)
    gram = error_gram(validation, consensus.name)
    return lambda halves: negative_briers(gram, halves)


def _nll(validation: Validation, consensus: str) -> BlockScorer:
    of_label = of_labels(validation, consensus)
    if validation.accelerated:
        from lrensemble.select.kernels import all_on_device

        return all_on_device.nll_scorer(of_label, validation.log_probs.device)
    likelihoods = group_rows(of_label)
    return lambda halves: log_likelihoods(likelihoods, halves)


def _accuracy(validation: Validation, consensus: str) -> BlockScorer:
    columns = contested_columns(validation, consensus)
    decide = decider(validation, columns, consensus)
    if validation.accelerated:
        from lrensemble.select.kernels import all_on_device

        return all_on_device.accuracy_scorer(columns, decide, validation.log_probs.device)

    def scores(halves: Halves) -> NDArray[np.float64]:
        wrong = wrong_rows(columns, halves, TABLE_BYTES, decide)
        return np.asarray((columns.rows - len(columns.always_wrong) - wrong) / columns.rows)

    return scores


def split(members: int) -> Halves:
    """The first block of a pool of so many members; the other blocks differ in `top`."""
    low = min(HALF_BITS, (members + 1) // 2)
    return Halves(low, min(HALF_BITS, members - low), top=0)
