"""Conformal sets: sets of classes that hold the truth of so many of all rows, whatever the model is worth.

A score says how odd a class is for a row; a set holds the classes whose scores are at most the threshold, a quantile of
the scores of true classes on rows that nothing was chosen or trained on (split conformal prediction: Vovk, Gammerman &
Shafer 2005; Papadopoulos et al. 2002). Where those rows and new ones are exchangeable, at least `coverage` of the new
ones are covered, on average over both. A set may be empty: to add the likeliest class to it would cover too many.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.metrics.base import Floats, Labels

Method = Literal["lac", "aps", "raps"]
METHODS: tuple[Method, ...] = ("lac", "aps", "raps")

PENALTY, FREE_RANKS = 0.1, 1
"""Penalty of RAPS for each rank beyond so many: those of torch-uncertainty, fixed so that no rows choose them."""


def nonconformity(method: Method, probs: Floats, draws: Floats | None = None) -> Floats:
    """Nonconformity scores [sample, class]: the higher, the odder.

    `lac`: 1 - p (Sadinle, Lei & Wasserman 2019). `aps`: the probability of all classes that are at least as likely,
    less a share of its own (Romano, Sesia & Candès 2020). `raps`: that, and `PENALTY` for each rank beyond `FREE_RANKS`
    (Angelopoulos et al. 2021). Of equally likely classes the first one ranks first.

    Args:
        method: whose scores.
        probs: [sample, class] probabilities.
        draws: [sample] uniform numbers, the shares of `aps` and `raps`; 0 where not given, which covers too many.
    """
    if method == "lac":
        return 1 - probs
    order = np.argsort(-probs, axis=1, kind="stable")
    ranked = np.take_along_axis(probs, order, axis=1)
    scores = ranked.cumsum(axis=1)
    if draws is not None:
        scores = scores - draws[:, None] * ranked
    if method == "raps":
        scores = scores + PENALTY * np.maximum(np.arange(1, probs.shape[1] + 1) - FREE_RANKS, 0)
    found = np.empty_like(scores)
    np.put_along_axis(found, order, scores, axis=1)
    return found


def threshold(scores: Floats, coverage: float, weights: Floats | None = None) -> float:
    """The ⌈(n + 1) coverage⌉-th smallest score of true classes [sample]; infinite where there are too few rows.

    Args:
        scores: nonconformity of the truth, [sample].
        coverage: share of new rows that are to be covered.
        weights: [sample] how much each row counts; a new row counts as much as the mean.
    """
    counts = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=np.float64) / np.mean(weights)
    order = np.argsort(scores, kind="stable")
    wanted = coverage * (len(scores) + 1)
    place = int(np.searchsorted(counts[order].cumsum(), wanted * (1 - 1e-12)))
    return float(scores[order[place]]) if place < len(scores) else math.inf


def conformal_sets(
    method: Method,
    probs: Floats,
    labels: Labels,
    new: Floats,
    *,
    coverage: float = 0.9,
    seed: int = 0,
    weights: Floats | None = None,
) -> NDArray[np.bool_]:
    """Whether each class is in the set of each new row: [sample, class].

    Args:
        method: `lac`, `aps` or `raps`.
        probs: [calibration sample, class] probabilities on the rows that the threshold is found on.
        labels: [calibration sample] class indices.
        new: [sample, class] probabilities on other rows.
        coverage: share of new rows whose set is to hold the truth.
        seed: of the draws of `aps` and `raps`.
        weights: [calibration sample] how much each row counts.
    """
    generator = np.random.default_rng(seed)
    known = nonconformity(method, probs, generator.random(len(probs)))
    limit = threshold(known[np.arange(len(labels)), labels], coverage, weights)
    return np.asarray(nonconformity(method, new, generator.random(len(new))) <= limit)
