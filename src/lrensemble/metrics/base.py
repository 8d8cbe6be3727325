"""Metrics: what one is, their registry, and the one place where a loss is turned into a score."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.registry import Call, Registry, is_shipped
from lrensemble.rows import repeated
from lrensemble.spec import SpecLike
from lrensemble.targets import Need

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class MetricFacts:
    """A metric says which direction is better, what it needs, and how else it can be computed."""

    higher_is_better: bool
    """Whether it is a score; otherwise it is a loss."""
    needs: Need = "probabilities"
    """Predictions that it needs: the likeliest class alone, the probability of the truth, probabilities of all classes,
    values, or distributions of values."""
    targets: tuple[str, ...] = ("classes", "choices")
    """Kinds of targets that it measures."""
    quadratic: bool = False
    """Whether it is a quadratic form of the weights where predictions are a weighted mean: w·G·w with the members' Gram
    matrix of errors G."""
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


def watched(target: str = "classes", served: Collection[Need] | None = None) -> list[str]:
    """Names of the metrics that every member is measured by on the validation rows.

    Args:
        target: kind of the target.
        served: needs that the member serves; all where not given.
    """
    facts = {name: METRICS.facts(name) for name in METRICS}
    return [
        name
        for name, each in facts.items()
        if each.watched and target in each.targets and (served is None or each.needs in served)
    ]


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
