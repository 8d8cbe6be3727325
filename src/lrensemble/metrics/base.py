"""Metrics: what one is, their registry, and the one place where a loss is turned into a score."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.registry import Call, Registry, is_shipped
from lrensemble.rows import repeated
from lrensemble.spec import SpecLike

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class MetricFacts:
    """A metric says which direction is better, what it needs, and how else it can be computed."""

    higher_is_better: bool
    """Whether it is a score; otherwise it is a loss."""
    needs: Literal["labels", "probabilities"] = "probabilities"
    """Predictions that it needs: the likeliest class alone, or probabilities of all classes."""
    per_row: Callable[..., Floats] | None = None
    """Value of each row, where the metric is a mean over rows: a function of (probabilities [sample, class], labels
    [sample], and the metric's own arguments by keyword) to [sample]."""
    of_confusion: Callable[..., Floats] | None = None
    """Value of a confusion matrix, where the metric depends on that alone: a function of (weights of rows [..., label,
    predicted class], and the metric's own arguments by keyword) to [...]."""
    lowest: float = -np.inf
    """Lower bound of its values."""
    highest: float = np.inf
    """Upper bound of its values."""
    unit: Literal["fraction", "nats", ""] = ""
    """Unit of its values; fractions are printed in percent."""
    watched: bool = False
    """Whether it is measured on the validation rows after every epoch of a training."""


def _counting_rows(name: str, function: Callable[..., float]) -> Callable[..., float]:
    """A metric of one's own, which may know nothing of weights: then whole ones repeat rows."""
    if is_shipped(function):
        return function
    knows_weights = "weights" in inspect.signature(function).parameters

    @functools.wraps(function)
    def metric(probs: Floats, labels: Labels, weights: Floats | None = None, **own: object) -> float:
        if weights is not None and not knows_weights:
            rows = repeated(weights, f"metric {name} takes no weights")
            probs, labels = probs[rows], labels[rows]
        more = {"weights": weights} if knows_weights and weights is not None else {}
        value = function(probs, labels, **more, **own)
        if isinstance(value, str) or not hasattr(value, "__float__") or np.ndim(value) or np.isnan(float(value)):
            raise PredictionsError(f"metric {name!r} returned {value!r} of {len(labels)} rows; it must return a number")
        return float(value)

    return metric


METRICS: Registry[float, MetricFacts] = Registry(
    "metric", MetricFacts, call=Call(("probs", "labels", "weights=None")), adapt=_counting_rows
)
"""Functions of (probabilities [sample, class], labels [sample], weights [sample] or None, *, …own arguments)."""

SUM_TOLERANCE = 1e-3
"""Largest difference of the sum of a row's probabilities from 1: float16 predictions reach 5e-4."""


def watched(*, labels_only: bool = False) -> list[str]:
    """Names of the metrics that every member is measured by on the validation rows; those that need labels alone."""
    facts = {name: METRICS.facts(name) for name in METRICS}
    return [name for name, each in facts.items() if each.watched and (each.needs == "labels" or not labels_only)]


def higher_is_better(metric: SpecLike) -> bool:
    """Whether a metric is a score; the others are losses."""
    return METRICS.facts(METRICS.check(metric)).higher_is_better


def score(metric: SpecLike, probs: Floats, labels: Labels, weights: Floats | None = None) -> float:
    """The metric turned so that higher is better: losses are negated.

    Args:
        metric: a registered name with its arguments.
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts, not negative; once each where not given.

    Raises:
        PredictionsError: weights that are no whole numbers, and a metric that takes none.
    """
    spec = METRICS.check(metric)
    value = float(METRICS.call(spec, probs, labels, *(() if weights is None else (weights,))))
    return value if higher_is_better(spec) else -value


def row_values(metric: SpecLike, probs: Floats, labels: Labels) -> Floats | None:
    """Values of rows [sample] that the metric is the mean of; None for a metric that is no mean over rows."""
    spec = METRICS.check(metric)
    per_row = METRICS.facts(spec).per_row
    return None if per_row is None else np.asarray(per_row(probs, labels, **spec.arguments), dtype=np.float64)


def mean_over_rows(values: Floats, weights: Floats | None) -> float:
    """Mean of values [sample], each row counted by its weight [sample]."""
    return float(values.mean() if weights is None else values @ weights / weights.sum())


def check_labels(labels: NDArray[np.integer], rows: int, classes: int) -> None:
    """Refuse labels that are not one class index a row.

    Raises:
        PredictionsError: another number of rows, not integers, or outside 0 … classes - 1; the first bad row is named.
    """
    if labels.ndim != 1 or len(labels) != rows:
        raise PredictionsError(f"labels have shape {labels.shape}; the predictions have {rows} rows, so give [{rows}]")
    if not np.issubdtype(labels.dtype, np.integer):
        raise PredictionsError(f"labels are {labels.dtype}; give class indices as integers")
    outside = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(outside):
        row = int(outside[0])
        raise PredictionsError(
            f"label {labels[row]} in row {row} is outside the classes; "
            f"with {classes} classes, 0 to {classes - 1} are allowed"
        )


def check_probabilities(probs: NDArray[np.floating], source: str) -> None:
    """Refuse what is no distribution over classes along the last axis.

    Raises:
        PredictionsError: NaN, negative, or rows that do not sum to one; the first bad position is named after `source`.
    """
    sums = probs.sum(axis=-1, dtype=np.float64)
    for bad, reason in (
        (np.isnan(sums), "holds NaN"),
        ((probs < 0).any(axis=-1), "holds a negative probability"),
        (np.abs(sums - 1) > SUM_TOLERANCE, "does not sum to one"),
    ):
        if bad.any():
            where = tuple(int(i) for i in np.argwhere(bad)[0])
            position = ", ".join(f"{axis} {i}" for axis, i in zip(("member", "row")[-len(where) :], where, strict=True))
            detail = f" (sum {sums[where]:.6g}; are these logits?)" if reason.startswith("does") else ""
            raise PredictionsError(f"{source}: {position} {reason}{detail}; give class probabilities")
