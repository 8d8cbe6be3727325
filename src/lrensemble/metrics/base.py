"""Metrics: what one is, their registry, and the one place where a loss is turned into a score."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError, SpecError
from lrensemble.metrics.serving import OF_CLASSES, as_targets, least_needs
from lrensemble.registry import Call, Registry, is_shipped
from lrensemble.rows import read_only, repeated
from lrensemble.spec import Spec, SpecLike
from lrensemble.targets import Need
from lrensemble.text import shortened

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Truth = NDArray[np.int64] | Floats
"""Class indices [sample], or values [sample, output]."""


@dataclass(frozen=True)
class MetricFacts:
    """A metric says which direction is better, what it is of, what it needs, and how else it can be computed."""

    higher_is_better: bool
    """Whether it is a score; otherwise it is a loss."""
    targets: tuple[str, ...] = OF_CLASSES
    """Kinds of target that it measures predictions of: `classes`, `choices`, `values`."""
    needs: Need = "probabilities"
    """Predictions that it needs: the likeliest class alone, the probability of the true class alone, or probabilities
    of all classes; values, or a mean and a variance of each. One that is for values alone needs values unless it says
    otherwise."""
    aim: bool = True
    """Whether a team may be chosen by it. It may not where the extreme is not the best, as of an interval's width."""
    per_row: Callable[..., Floats] | None = None
    """Value of each row, where the metric is a mean over rows: a function of (predictions [sample, column], truth
    [sample, …], and the metric's own arguments by keyword) to [sample]."""
    quadratic: bool = False
    """Whether the metric of a weighted mean of predictions is wᵀGw, with weights w [member] and G [member, member] the
    mean over rows of the products of members' errors."""
    of_squares: Callable[[Floats, Floats], Floats] | None = None
    """Value of the mean squared errors of the outputs, where the metric depends on those alone: a function of (squared
    errors [..., output], variances of the truth [output], all positive) to [...]."""
    of_confusion: Callable[..., Floats] | None = None
    """Value of a confusion matrix, where the metric depends on that alone: a function of (weights of rows [..., label,
    predicted class], and the metric's own arguments by keyword) to [...]."""
    reduced: Callable[..., Floats] | None = None
    """What the metric needs of each row, where that is less than all of it and no mean is taken: a function of
    (predictions [sample, column], truth [sample, …]) to [sample, number]."""
    of_reduced: Callable[..., float] | None = None
    """Value of the metric from that: a function of (numbers [sample, number], weights [sample] or None, and the
    metric's own arguments by keyword)."""
    lowest: float = -np.inf
    """Lower bound of its values."""
    highest: float = np.inf
    """Upper bound of its values."""
    unit: Literal["fraction", "nats", ""] = ""
    """Unit of its values; fractions are printed in percent."""
    watched: bool = False
    """Whether it is measured on the validation rows after every epoch of a training."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", as_targets(self.targets))
        object.__setattr__(self, "needs", least_needs(self.needs, self.targets))


def _counting_rows(name: str, function: Callable[..., float]) -> Callable[..., float]:
    """A metric of one's own, which may know nothing of weights: then whole ones repeat rows."""
    if is_shipped(function):
        return function
    knows_weights = "weights" in inspect.signature(function).parameters

    @functools.wraps(function)
    def metric(predictions: Floats, truth: Truth, weights: Floats | None = None, **own: object) -> float:
        if weights is not None and not knows_weights:
            rows = repeated(weights, f"metric {name} takes no weights")
            predictions, truth = predictions[rows], truth[rows]
        more = {"weights": weights} if knows_weights and weights is not None else {}
        value = function(read_only(predictions), read_only(truth), **more, **own)
        if isinstance(value, str) or not hasattr(value, "__float__") or np.ndim(value) or not isfinite(float(value)):
            raise PredictionsError(
                f"metric {name!r} returned {shortened(value)} of {len(truth)} rows; it must return a finite number"
            )
        return float(value)

    return metric


METRICS: Registry[float, MetricFacts] = Registry(
    "metric", MetricFacts, call=Call(("predictions", "truth", "weights=None")), adapt=_counting_rows
)
"""Functions of (predictions, truth, weights [sample] or None, *, …own arguments).

For classes and choices: probabilities [sample, class] and labels [sample]. For values: both [sample, output], where
after the values, or means, predictions may have the variance of each."""


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


def require_aim(metric: SpecLike) -> Spec:
    """The metric, checked, where a team may be chosen by it.

    Raises:
        UnknownNameError, SpecError: as `Registry.check` does, or it describes predictions and does not judge them.
    """
    spec = METRICS.check(metric)
    facts = METRICS.facts(spec)
    if facts.aim:
        return spec
    able = [name for name, each in ((name, METRICS.facts(name)) for name in METRICS) if each.aim]
    alike = [name for name in able if METRICS.facts(name).needs == facts.needs]
    raise SpecError(
        f"metric {spec.name!r} describes predictions and does not judge them, so no team is chosen by it; "
        f"use one of {', '.join(alike or able)}"
    )


def score(metric: SpecLike, predictions: Floats, truth: Truth, weights: Floats | None = None) -> float:
    """The metric turned so that higher is better: losses are negated.

    Args:
        metric: a registered name with its arguments.
        predictions: [sample, class] probabilities, or [sample, column] values.
        truth: [sample] class indices, or [sample, output] values.
        weights: [sample] how often each row counts, not negative; once each where not given.

    Raises:
        PredictionsError: weights that are no whole numbers, and a metric that takes none.
    """
    spec = METRICS.check(metric)
    value = float(METRICS.call(spec, predictions, truth, *(() if weights is None else (weights,))))
    return value if higher_is_better(spec) else -value


def row_values(metric: SpecLike, predictions: Floats, truth: Truth) -> Floats | None:
    """Values of rows [sample] that the metric is the mean of; None for a metric that is no mean over rows."""
    spec = METRICS.check(metric)
    per_row = METRICS.facts(spec).per_row
    return None if per_row is None else np.asarray(per_row(predictions, truth, **spec.arguments), dtype=np.float64)


def mean_over_rows(values: Floats, weights: Floats | None) -> float:
    """Mean of values [sample], each row counted by its weight [sample]."""
    return float(values.mean() if weights is None else values @ weights / weights.sum())
