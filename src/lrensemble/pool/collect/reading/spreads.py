"""Columns beside predictions of values that say how sure these are: bounds, quantiles and deviations, and no models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.pool.collect.reading.roles import words_of

Columns = Mapping[str, NDArray[Any]]

DEVIATIONS = frozenset(("std", "stdev", "stddev", "sd", "sigma", "stderr", "sem", "uncertainty", "variance", "var"))
LOWER = frozenset(("lower", "low", "lo", "lwr", "lb", "min"))
UPPER = frozenset(("upper", "high", "hi", "upr", "ub", "max"))
"""Words in names of columns; what they say must hold of the numbers too, for a model may be called so."""

LIKE_TRUTH = 0.25
"""Share of the variance of the truth below which the mean squared error of a column is that of a prediction."""

_LEVEL = re.compile(r"(.*?)(?:^|[^a-z])(?:q|p|quantile|percentile|pct)[\s_\-]*(\d*\.?\d+)%?", re.IGNORECASE)


def spreads_among(columns: Columns, truth: NDArray[Any] | None = None) -> tuple[list[str], list[str]]:
    """Columns of no predictions, and medians.

    Deviations are nowhere negative, and no guess of the truth; a lower bound is nowhere above its upper one; quantiles
    of a higher level are nowhere lower.

    Args:
        columns: numbers [sample] by name.
        truth: of the same rows, where it is known.
    """
    bounds = [name for pair in _bounds(columns) for name in pair]
    quantiles = {name: level for each in _quantiles(columns) for name, level in each.items()}
    medians = [name for name, level in quantiles.items() if level == 0.5]
    found = [*_deviations(columns, truth), *bounds, *(name for name in quantiles if name not in medians)]
    return [name for name in columns if name in found], medians


def _deviations(columns: Columns, truth: NDArray[Any] | None) -> list[str]:
    called = {name: each for name, each in columns.items() if DEVIATIONS & set(words_of(name))}
    return [name for name, each in called.items() if not (each < 0).any() and not _is_like(each, truth)]


def _is_like(column: NDArray[Any], truth: NDArray[Any] | None) -> bool:
    """Whether numbers are as near to the truth as predictions are, of features that were standardised, say."""
    if truth is None or truth.shape != column.shape or truth.dtype.kind not in "iuf":
        return False
    return bool(np.mean((column - truth) ** 2) < LIKE_TRUTH * np.var(truth))


def _bounds(columns: Columns) -> Iterator[tuple[str, str]]:
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
            yield each["lower"], each["upper"]


def _quantiles(columns: Columns) -> Iterator[dict[str, float]]:
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
        if len(in_order) > 1 and not (np.diff([columns[name] for name in in_order], axis=0) < 0).any():
            yield levels
