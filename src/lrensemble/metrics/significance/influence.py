"""Influence of each row on a metric: its value where the metric is a mean over rows, else its jackknife influence."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import LREnsembleError, PredictionsError
from lrensemble.metrics.base import METRICS, Truth, higher_is_better, row_values, score
from lrensemble.metrics.significance.units import Floats, Groups, Units, units_of
from lrensemble.spec import SpecLike

MOST_UNITS = 100
"""A metric that is no mean over rows is computed so many times at most: rows beyond are left out in blocks."""


@dataclass(frozen=True)
class Rows:
    """The rows that predictors are compared on."""

    truth: Truth
    """Class indices [sample], or values [sample, output]."""
    weights: Floats | None = None
    """Weights [sample]; 1 each where None."""
    groups: Groups | None = None
    """Group of each row [sample]; rows of one group are not independent, and each row is its own where None."""


@dataclass(frozen=True)
class Blocks:
    """Rows that are left out together."""

    index: NDArray[np.int64]
    """Block of each row [sample]."""
    weights: Floats
    """Summed weights of rows [block]."""
    one: float
    """Weight of one independent row or group, where larger ones count more."""
    whole: bool
    """Whether each block is one row or group."""


def unit_differences(metric: SpecLike, predictions: list[Floats], reference: Floats, rows: Rows, seed: int) -> Units:
    """Contribution of each unit to the gain of every predictor over the reference, positive where it is better.

    Args:
        metric: a registered name with its arguments.
        predictions: of each comparison, [sample, column], as the metric reads them.
        reference: [sample, column] predictions.
        rows: truth, weights and groups.
        seed: of the division into blocks.

    Raises:
        PredictionsError: the metric is NaN, or cannot do without some of the rows.
    """
    sign = 1.0 if higher_is_better(metric) else -1.0
    values = [row_values(metric, one, rows.truth) for one in (reference, *predictions)]
    known = [value for value in values if value is not None]
    if known:
        return units_of(sign * (np.array(known[1:]) - known[0]), rows.weights, rows.groups)
    blocks = _blocks(rows, seed)
    base_sums = _sums(metric, reference, rows, blocks)
    sums = np.array([_sums(metric, one, rows, blocks) - base_sums for one in predictions])
    pseudo = np.full(len(predictions), blocks.one)
    each = np.divide(sums, blocks.weights, out=np.zeros_like(sums), where=blocks.weights > 0)
    # Where several rows share a block, none is seen by itself: the largest block stands in.
    largest = np.abs(each * blocks.one if blocks.whole else sums).max(axis=1)
    return Units(sums, blocks.weights, pseudo, largest)


def _blocks(rows: Rows, seed: int) -> Blocks:
    each = np.ones(len(rows.truth)) if rows.weights is None else np.asarray(rows.weights, dtype=np.float64)
    sources = np.arange(len(each)) if rows.groups is None else np.asarray(rows.groups)
    units = units_of(np.zeros((1, len(each))), rows.weights, sources)  # refuses weights and groups that do not fit
    _, source = np.unique(sources, return_inverse=True)
    count = min(len(units.weights), MOST_UNITS)
    block_of_source = np.random.default_rng(seed).permutation(len(units.weights)) % count
    index = block_of_source[source]
    totals = np.asarray(np.bincount(index, each, minlength=count), dtype=np.float64)
    return Blocks(index, totals, float(units.pseudo[0]), whole=count == len(units.weights))


def _sums(metric: SpecLike, predictions: Floats, rows: Rows, blocks: Blocks) -> Floats:
    """Score plus influence [block], times the weight of the block: their sum over the whole weight is the score.

    With s the score, s' the score without a block of share f: influence (1 - f) / f (s - s'); the mean is taken out.
    """
    score_of = _scorer(metric, predictions, rows)
    everything = np.arange(len(blocks.index))
    whole = score_of(everything)
    share = blocks.weights / blocks.weights.sum()
    influences = np.zeros(len(share))
    for block in np.flatnonzero(share > 0):
        out = blocks.index == block
        without = _or_nan(score_of, np.flatnonzero(~out))
        if np.isfinite(without):
            influences[block] = (1 - share[block]) / share[block] * (whole - without)
            continue
        # The last rows of a class cannot be left out of every metric: they are counted twice in place of that.
        twice = _or_nan(score_of, np.concatenate([everything, np.flatnonzero(out)]))
        influences[block] = (1 + share[block]) / share[block] * (twice - whole)
    if not (np.isfinite(whole) and np.isfinite(influences).all()):
        raise PredictionsError(f"{METRICS.check(metric)} is not a number on these rows, so no interval can be given")
    return np.asarray(blocks.weights * (whole + influences - share @ influences))


ScoreOf = Callable[[NDArray[np.int64]], float]
"""From places of rows to their score, higher is better."""


def _scorer(metric: SpecLike, predictions: Floats, rows: Rows) -> ScoreOf:
    """The score of chosen rows; what the metric needs of a row is computed once, where it says so."""
    spec = METRICS.check(metric)
    facts, weights = METRICS.facts(spec), None if rows.weights is None else np.asarray(rows.weights)

    def weights_of(chosen: NDArray[np.int64]) -> Floats | None:
        return None if weights is None else weights[chosen]

    if facts.reduced is None or facts.of_reduced is None:
        return lambda chosen: score(spec, predictions[chosen], rows.truth[chosen], weights_of(chosen))
    numbers, value = facts.reduced(predictions, rows.truth), facts.of_reduced
    sign = 1.0 if higher_is_better(spec) else -1.0
    return lambda chosen: sign * float(value(numbers[chosen], weights_of(chosen), **spec.arguments))


def _or_nan(score_of: ScoreOf, chosen: NDArray[np.int64]) -> float:
    """The score of chosen rows; NaN where the metric has none."""
    if len(chosen) == 0:
        return float("nan")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about classes that have no row left
            return score_of(chosen)
    except (LREnsembleError, ValueError, ZeroDivisionError):
        return float("nan")
