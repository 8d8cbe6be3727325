"""Metrics of how rows are ranked by a class's probability: ROC AUC, average precision.

Both are for classes, of which rows can be ranked, and not for choices. Both are defined on every sample of rows, so
that a fold or a resample in which a class is missing has a score: a class that cannot be ranked does not count, and
where none can, the value is that of a guess.

The numbers are scikit-learn's, whose functions look at what they are given each time. On a hundred rows that takes far
longer than the value, and a selector asks for thousands of values.
"""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.metrics.base import METRICS, Floats, Labels

GUESS = 0.5
"""ROC AUC of a guess, where there are no two classes to tell apart."""


@METRICS.register(
    higher_is_better=True,
    targets=("classes",),
    lowest=0.0,
    highest=1.0,
    unit="fraction",
    aliases=("roc_auc_score",),
)
def roc_auc(
    probs: Floats,
    labels: Labels,
    weights: Floats | None = None,
    *,
    multi_class: Literal["ovr", "ovo"] = "ovr",
    average: Literal["macro", "weighted"] = "macro",
) -> float:
    """Area under the ROC curve: how often a row of a class is above one of another (Hanley & McNeil 1982).

    Higher is better. Of two classes it is that of class 1. Classes without rows do not count; where all rows are of one
    class, 0.5.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
        multi_class: of more than two classes each against the rest (Provost & Domingos 2000), or each pair (Hand & Till
            2001), which does not depend on how frequent the classes are.
        average: over classes or pairs, each the same or by their rows.
    """
    probs, labels, counts = _counted(probs, labels, weights)
    support = np.bincount(labels, weights=counts, minlength=probs.shape[1])
    present = np.flatnonzero(support).tolist()
    if len(present) < 2:
        return GUESS
    if probs.shape[1] == 2:
        return _area(probs[:, 1], labels == 1, counts)
    if multi_class == "ovr":
        areas = [_area(probs[:, one], labels == one, counts) for one in present]
        sizes = support[present]
    else:
        pairs = list(combinations(present, 2))
        areas = [_area_of_pair(probs, labels, counts, one, other) for one, other in pairs]
        sizes = np.array([support[one] + support[other] for one, other in pairs])
    return float(np.average(areas, weights=sizes if average == "weighted" else None))


@METRICS.register(
    higher_is_better=True,
    targets=("classes",),
    lowest=0.0,
    highest=1.0,
    unit="fraction",
    aliases=("average_precision_score",),
)
def average_precision(
    probs: Floats,
    labels: Labels,
    weights: Floats | None = None,
    *,
    average: Literal["macro", "weighted", "micro", "binary"] | None = None,
) -> float:
    """Average precision, the area under the steps of precision over recall (Zhu 2004). Higher is better.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
        average: of every class against the rest, over classes that occur: `macro` (each the same) or `weighted` (by
            rows); `micro` ranks all pairs of a row and a class together; `binary` is that of class 1 of two, and 0
            without rows of it. Unless given, `binary` with two classes and `macro` with more.

    Raises:
        PredictionsError: `binary` with other than two classes.
    """
    classes = probs.shape[1]
    kind = average or ("binary" if classes == 2 else "macro")
    if kind == "binary" and classes != 2:
        raise PredictionsError(
            f"average = 'binary' is of class 1 of two classes, and there are {classes}; use macro, weighted or micro"
        )
    probs, labels, counts = _counted(probs, labels, weights)
    if kind == "micro":
        return _precision(probs.ravel(), (labels[:, None] == np.arange(classes)).ravel(), np.repeat(counts, classes))
    if kind == "binary":
        return _precision(probs[:, 1], labels == 1, counts) if (labels == 1).any() else 0.0
    support = np.bincount(labels, weights=counts, minlength=classes)
    present = np.flatnonzero(support).tolist()
    precisions = [_precision(probs[:, one], labels == one, counts) for one in present]
    return float(np.average(precisions, weights=support[present] if kind == "weighted" else None))


def _counted(probs: Floats, labels: Labels, weights: Floats | None) -> tuple[Floats, Labels, Floats]:
    """The rows that count, and how often."""
    if weights is None:
        return probs, labels, np.ones(len(labels))
    counts = np.asarray(weights, dtype=np.float64)
    return probs[counts > 0], labels[counts > 0], counts[counts > 0]


def _area(likelihood: Floats, positive: NDArray[np.bool_], counts: Floats) -> float:
    """Area under the ROC curve of rows [sample], by the trapezoidal rule: ties count half."""
    hits, misses = _at_or_above(likelihood, positive, counts)
    rises, widths = hits / hits[-1], np.diff(misses / misses[-1], prepend=0.0)
    return float(widths @ (rises + np.concatenate([[0.0], rises[:-1]])) / 2)


def _at_or_above(likelihood: Floats, positive: NDArray[np.bool_], counts: Floats) -> tuple[Floats, Floats]:
    """Weights [threshold] of positive rows and of others, at or above each value that occurs, the highest first."""
    order = np.argsort(-likelihood, kind="stable")
    ranked = likelihood[order]
    last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    own = np.where(positive, counts, 0.0)[order]
    return own.cumsum()[last], (counts[order] - own).cumsum()[last]


def _area_of_pair(probs: Floats, labels: Labels, counts: Floats, one: int, other: int) -> float:
    """The mean of two: rows of the one above those of the other by its own probability, and the other way round."""
    rows = (labels == one) | (labels == other)
    both = [_area(probs[rows, each], labels[rows] == each, counts[rows]) for each in (one, other)]
    return float(np.mean(both))


def _precision(likelihood: Floats, positive: NDArray[np.bool_], counts: Floats) -> float:
    """Sum over thresholds of precision times the recall that is gained there."""
    hits, misses = _at_or_above(likelihood, positive, counts)
    return float(np.diff(hits / hits[-1], prepend=0.0) @ (hits / (hits + misses)))
