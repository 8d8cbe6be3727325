"""The gain of one predictor over another by any registered metric, with interval and p-value; alone and in a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lrensemble.metrics.base import METRICS, Truth, higher_is_better
from lrensemble.metrics.significance.influence import Rows, unit_differences
from lrensemble.metrics.significance.max_t import compare_all
from lrensemble.metrics.significance.means import CONFIDENT_MISTAKE, Comparison
from lrensemble.metrics.significance.units import Floats, Groups, Units, units_of
from lrensemble.spec import SpecLike


def paired_scores(
    metric: SpecLike,
    predictions: Floats,
    reference: Floats,
    truth: Truth,
    weights: Floats | None = None,
    groups: Groups | None = None,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Gain of `predictions` over `reference` by a metric, on the same rows; positive is better, whatever the direction.

    A metric that is a mean over rows is judged by its differences row by row, any other by its jackknife influences
    (Efron & Tibshirani 1993, ch. 11), for which a metric needs `weights` only where rows have some. Differences of
    correctness get McNemar's exact p-value.

    Args:
        metric: a registered name with its arguments.
        predictions: [sample, class] probabilities, or [sample, column] values.
        reference: the same of the other.
        truth: [sample] class indices, or [sample, output] values.
        weights: [sample] what each row counts; once each where not given.
        groups: [sample] of any kind; rows of one group are not independent.
        confidence: that the interval holds the true gain.
        seed: of the blocks of rows that are left out together where there are many.

    Raises:
        PredictionsError: no rows, NaN, weights or groups that do not fit, or a metric that is NaN on these rows.
    """
    rows = Rows(truth, weights, groups)
    return _compared(metric, [predictions], reference, rows, fixed=None, confidence=confidence, seed=seed)[0]


def simultaneous_scores(
    metric: SpecLike,
    predictions: Sequence[Floats],
    reference: Floats,
    truth: Truth,
    weights: Floats | None = None,
    groups: Groups | None = None,
    *,
    fixed: int | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """`paired_scores` of several predictors over one reference, adjusted for their number as in `simultaneous`.

    Args:
        metric: a registered name with its arguments.
        predictions: of each, [sample, class] probabilities, or [sample, column] values.
        reference: the same of the one that they are compared with.
        truth: [sample] class indices, or [sample, output] values.
        weights: [sample] what each row counts; once each where not given.
        groups: [sample] of any kind; rows of one group are not independent.
        fixed: the predictor that was decided on before these rows were looked at: it is not adjusted.
        confidence: that all intervals hold at once.
        seed: of the draws and blocks.

    Raises:
        PredictionsError: as in `paired_scores`.
    """
    rows = Rows(truth, weights, groups)
    return _compared(metric, list(predictions), reference, rows, fixed=fixed, confidence=confidence, seed=seed)


def _compared(
    metric: SpecLike,
    predictions: list[Floats],
    reference: Floats,
    rows: Rows,
    *,
    fixed: int | None,
    confidence: float,
    seed: int,
) -> tuple[Comparison, ...]:
    if not predictions:
        return ()
    units = unit_differences(metric, predictions, reference, rows, seed)
    return compared_units(metric, units, fixed=fixed, confidence=confidence, seed=seed)


def compared_rows(
    metric: SpecLike,
    values: Sequence[Floats],
    reference: Floats,
    weights: Floats | None = None,
    groups: Groups | None = None,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """`simultaneous_scores` of a metric that is a mean over rows, from its values of rows; of one, `paired_scores`.

    Args:
        metric: a registered name with its arguments.
        values: of each classifier, [sample] values that the metric is the mean of.
        reference: [sample] those of the classifier that they are compared with.
        weights: [sample] what each row counts; once each where not given.
        groups: [sample] of any kind; rows of one group are not independent.
        confidence: that all intervals hold at once.
        seed: of the draws.

    Raises:
        PredictionsError: no rows, NaN, or weights or groups that do not fit.
    """
    if not values:
        return ()
    sign = 1.0 if higher_is_better(metric) else -1.0
    units = units_of(sign * (np.array(values) - reference), weights, groups)
    return compared_units(metric, units, fixed=None, confidence=confidence, seed=seed)


def compared_units(
    metric: SpecLike, units: Units, *, fixed: int | None = None, confidence: float = 0.95, seed: int = 0
) -> tuple[Comparison, ...]:
    """`simultaneous_scores` of a metric, from what each unit adds to the differences."""
    facts = METRICS.facts(METRICS.check(metric))
    span = facts.highest - facts.lowest
    scale = CONFIDENT_MISTAKE if facts.unit == "nats" else span if np.isfinite(span) else 0.0
    return compare_all(units, scale=scale, limit=span, fixed=fixed, confidence=confidence, seed=seed)
