"""Columns beside predictions of values that say how sure these are: bounds, quantiles and deviations, and no models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.pool.collect.reading.families import SAYING
from lrensemble.pool.collect.reading.roles import words_of

Columns = Mapping[str, NDArray[Any]]

DEVIATIONS = frozenset(("std", "stdev", "stddev", "sd", "sigma", "stderr", "sem", "uncertainty", "variance", "var"))
MEANS = frozenset(("mean", "mu", "avg", "average"))
LOWER = frozenset(("lower", "low", "lo", "lwr", "lb", "min"))
UPPER = frozenset(("upper", "high", "hi", "upr", "ub", "max"))
"""Words in names of columns; what they say must hold of the numbers too, for a model may be called so."""

OFTEN, SELDOM, ALMOST_ALWAYS = 0.25, 0.05, 0.9
"""Parts of the rows in which something lies between two bounds."""

_LEVEL = re.compile(r"(.*?)(?:^|[^a-z])(?:q|p|quantile|percentile|pct)[\s_\-]*(\d*\.?\d+)%?", re.IGNORECASE)


def spreads_among(columns: Columns, truth: NDArray[Any] | None = None) -> tuple[list[str], list[str]]:
    """Columns of no predictions, and medians.

    Deviations are nowhere negative; a lower bound is nowhere above its upper one; quantiles of a higher level are
    nowhere lower. Models may be called so and be in such an order by chance, and where there is a truth, it tells: a
    deviation is no prediction of it, and bounds hold it.

    Args:
        columns: numbers [sample] by name.
        truth: numbers [sample].
    """
    if truth is not None and (truth.ndim != 1 or truth.dtype.kind not in "biuf"):
        truth = None
    bounds = [name for pair in _bounds(columns, truth) for name in pair]
    quantiles = {name: level for each in _quantiles(columns, truth) for name, level in each.items()}
    medians = [name for name, level in quantiles.items() if level == 0.5]
    found = [*_deviations(columns, truth), *bounds, *(name for name in quantiles if name not in medians)]
    return [name for name in columns if name in found], medians


def _deviations(columns: Columns, truth: NDArray[Any] | None) -> list[str]:
    return [
        name
        for name, each in columns.items()
        if DEVIATIONS & set(words_of(name)) and not (each < 0).any() and not _predicts(name, columns, truth)
    ]


def _predicts(name: str, columns: Columns, truth: NDArray[Any] | None) -> bool:
    """Whether a column that is called a deviation is nearer to the truth than the mean of that is.

    Beside the mean of the same model it is none, and beside a column of the same model it has less than twice the
    squared error of that: deviations that grow with what is predicted come near to a truth that is nowhere negative.
    """
    if truth is None:
        return False
    subject = _subject(name)
    beside = [other for other in columns if other != name and _subject(other) == subject]
    if any(MEANS & set(words_of(other)) for other in beside):
        return False
    allowed = [float(np.nanvar(truth)), *(2 * _squared_error(columns[other], truth) for other in beside)]
    return _squared_error(columns[name], truth) < min(allowed)


def _subject(name: str) -> frozenset[str]:
    """Words that say which model a column is of."""
    return frozenset(words_of(name)) - DEVIATIONS - MEANS - SAYING - {"y", "hat"}


def _squared_error(column: NDArray[Any], truth: NDArray[Any]) -> float:
    squares = (column.astype(np.float64) - truth) ** 2
    known = squares[~np.isnan(squares)]
    return float(known.mean()) if len(known) else np.inf


def _bounds(columns: Columns, truth: NDArray[Any] | None) -> Iterator[tuple[str, str]]:
    """Names of lower and upper bounds whose names are the same but for one word."""
    by_rest: dict[tuple[str, ...], dict[str, str]] = {}
    for name in columns:
        words = words_of(name)
        for side, known in (("lower", LOWER), ("upper", UPPER)):
            if len(said := known & set(words)) == 1:
                rest = tuple(word for word in words if word not in said)
                by_rest.setdefault(rest, {})[side] = name
    for each in by_rest.values():
        if len(each) == 2 and not (columns[each["lower"]] > columns[each["upper"]]).any():
            lower, upper = each["lower"], each["upper"]
            if _hold(columns, [lower, upper], truth):
                yield lower, upper


def _hold(columns: Columns, names: list[str], truth: NDArray[Any] | None) -> bool:
    """Whether the truth lies between the first and the last of some columns so often that they are bounds.

    Two models of which one is always a little higher have it seldom between them; bounds that are too narrow may have
    it as seldom, and then another column, the prediction itself, is between them.
    """
    if truth is None:
        return True
    low, high = columns[names[0]], columns[names[-1]]

    def inside(values: NDArray[Any]) -> float:
        return float(((low <= values) & (values <= high)).mean())

    held = inside(truth)
    others = (each for name, each in columns.items() if name not in names)
    return held >= OFTEN or (held >= SELDOM and any(inside(each) >= ALMOST_ALWAYS for each in others))


def _quantiles(columns: Columns, truth: NDArray[Any] | None) -> Iterator[dict[str, float]]:
    """Levels of quantiles by the name of their column, those of one model together."""
    by_rest: dict[str, dict[str, float]] = {}
    for name in columns:
        if match := _LEVEL.fullmatch(name.strip()):
            level = float(match[2])
            level = level if level < 1 else level / 100
            if 0 < level < 1:
                by_rest.setdefault(match[1], {})[name] = level
    for levels in by_rest.values():
        in_order = sorted(levels, key=lambda name: levels[name])
        if len(in_order) < 2 or (np.diff([columns[name] for name in in_order], axis=0) < 0).any():
            continue
        if _hold(columns, in_order, truth) or _are_of_tails(columns, levels, truth):
            yield levels


def _are_of_tails(columns: Columns, levels: Mapping[str, float], truth: NDArray[Any] | None) -> bool:
    """Whether the part of the truth that is below each column is nearer to its level than to a half, as of models."""
    if truth is None:
        return True
    below = {name: float((truth < columns[name]).mean()) for name in levels}
    return sum(abs(below[name] - levels[name]) for name in levels) < sum(abs(each - 0.5) for each in below.values())
