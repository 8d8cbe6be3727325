"""Paired differences with intervals over rows, over replicates, and over both.

Over rows: the differences of each row, averaged over replicates, with the intervals of `metrics.significance`. They are
of these trained pools. Over replicates: the mean differences of the replicates, one observation each, with Student's t.
They are of these rows. Over both together: the two distances from the difference to the ends, added as errors are (the
method of variance estimates recovery, Zou & Donner 2008), so that it is wider than either. Tables are adjusted for all
of their comparisons: over rows by max-T, over replicates by Bonferroni, since few observations say nothing of how
comparisons go together.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import scipy

from lrensemble.evaluate.comparison import gain_of, is_mean
from lrensemble.evaluate.predictors import Floats
from lrensemble.evaluate.study.difference import Difference, OverReplicates
from lrensemble.evaluate.study.findings.reader import Measured
from lrensemble.evaluate.study.record import TEMPERED
from lrensemble.metrics import higher_is_better
from lrensemble.metrics.significance import Comparison
from lrensemble.metrics.significance.influence import Rows, unit_differences
from lrensemble.metrics.significance.scores import compared_units
from lrensemble.metrics.significance.units import Units, units_of

K = TypeVar("K", bound=Hashable)

CONFIDENCE = 0.95

SAME = 1e-12
"""Differences of replicates that are closer than this are the same."""


@dataclass(frozen=True, eq=False)
class Paired:
    """Two predictors in each replicate, the second one the reference."""

    firsts: Sequence[Measured]
    seconds: Sequence[Measured]


def metric_of(measure: str) -> str:
    """Metric behind a measure."""
    return "nll" if measure == TEMPERED else measure


def sign_of(measure: str) -> float:
    """Factor that turns a score by a measure so that higher is better."""
    return 1.0 if higher_is_better(metric_of(measure)) else -1.0


def differences(measure: str, pairs: Mapping[K, Paired], rows: Rows) -> dict[K, Difference]:
    """Differences of a table by one measure, by key; those without a replicate that has both scores are left out.

    Args:
        measure: a metric, or `TEMPERED`.
        pairs: comparisons of the table.
        rows: truth, weights and groups of the test rows.
    """
    known = {key: _with_both(measure, pair) for key, pair in pairs.items()}
    known = {key: pair for key, pair in known.items() if pair.firsts}
    if not known:
        return {}
    units = _stacked([_units(measure, pair, rows) for pair in known.values()])
    alone = [compared_units(metric_of(measure), _one(units, place))[0] for place in range(len(known))]
    joint = compared_units(metric_of(measure), units)
    found = {}
    for place, (key, pair) in enumerate(known.items()):
        values = _by_replicate(measure, pair)
        of_rows = gain_of(alone[place], len(rows.truth), joint[place])
        of_replicates = over_replicates(values, len(known))
        low, high = over_both(joint[place], of_replicates)
        found[key] = Difference(
            value=float(np.mean(values)),
            by_replicate=tuple(values),
            rows=of_rows,
            replicates=of_replicates,
            low=low,
            high=high,
        )
    return found


def over_replicates(values: Sequence[float], comparisons: int = 1) -> OverReplicates | None:
    """Student's interval of the mean of differences [replicate]; None of one, or where all are the same.

    Args:
        values: one for each replicate.
        comparisons: number of comparisons that the adjusted interval holds for at once.
    """
    count = len(values)
    if count < 2 or np.ptp(values) < SAME:
        return None
    mean, deviation = float(np.mean(values)), float(np.std(values, ddof=1))
    half = [deviation * half_width(count, each) for each in (1, comparisons)]
    p_value = float(2 * scipy.special.stdtr(count - 1, -abs(mean) / deviation * count**0.5))
    return OverReplicates(
        count=count,
        low=mean - half[0],
        high=mean + half[0],
        p_value=p_value,
        adjusted_low=mean - half[1],
        adjusted_high=mean + half[1],
        adjusted_p=min(1.0, comparisons * p_value),
    )


def over_both(rows: Comparison, replicates: OverReplicates | None) -> tuple[float | None, float | None]:
    """Ends of the interval over rows and replicates together; None where there is none over replicates."""
    if replicates is None:
        return None, None
    below = math.hypot(rows.value - rows.low, rows.value - replicates.adjusted_low)
    above = math.hypot(rows.high - rows.value, replicates.adjusted_high - rows.value)
    return rows.value - below, rows.value + above


def half_width(count: int, comparisons: int) -> float:
    """Half of the width of Student's interval of a mean, in standard deviations of an observation.

    Args:
        count: number of observations, at least two.
        comparisons: number of intervals that hold at once.
    """
    quantile = float(scipy.special.stdtrit(count - 1, 1 - (1 - CONFIDENCE) / 2 / comparisons))
    return quantile / math.sqrt(count)


def _with_both(measure: str, pair: Paired) -> Paired:
    both = [
        (first, second)
        for first, second in zip(pair.firsts, pair.seconds, strict=False)
        if measure in first.rows and measure in second.rows
    ]
    return Paired([first for first, _ in both], [second for _, second in both])


def _by_replicate(measure: str, pair: Paired) -> list[float]:
    sign = sign_of(measure)
    return [sign * (a.scores[measure] - b.scores[measure]) for a, b in zip(pair.firsts, pair.seconds, strict=True)]


def _units(measure: str, pair: Paired, rows: Rows) -> Units:
    """What each unit adds to the difference of one pair, mean over replicates."""
    firsts, seconds = ([each.rows[measure] for each in own] for own in (pair.firsts, pair.seconds))
    metric = metric_of(measure)
    if is_mean(metric):
        mean: Floats = sign_of(measure) * np.mean([a - b for a, b in zip(firsts, seconds, strict=True)], axis=0)
        return units_of(mean[None], rows.weights, rows.groups)
    found = [unit_differences(metric, [a], b, rows, seed=0) for a, b in zip(firsts, seconds, strict=True)]
    sums, largest = (np.mean([getattr(each, name) for each in found], axis=0) for name in ("sums", "largest"))
    return replace(found[0], sums=sums, largest=largest)


def _stacked(units: Sequence[Units]) -> Units:
    """Comparisons on the same rows as one record."""
    return replace(
        units[0],
        sums=np.concatenate([each.sums for each in units]),
        pseudo=np.concatenate([each.pseudo for each in units]),
        largest=np.concatenate([each.largest for each in units]),
        correctness=all(each.correctness for each in units),
    )


def _one(units: Units, place: int) -> Units:
    own = slice(place, place + 1)
    return replace(units, sums=units.sums[own], pseudo=units.pseudo[own], largest=units.largest[own])
