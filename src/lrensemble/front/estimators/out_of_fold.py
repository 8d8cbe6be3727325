"""Out-of-fold predictions of every point of a grid: each row by models that have not seen it. Models are not kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import has_fit_parameter

from lrensemble.errors import FitError
from lrensemble.front.estimators.folds import Folds, Rows
from lrensemble.front.estimators.grid import GridPoint
from lrensemble.targets import Predictions

Ask = Callable[[Any, Any], Predictions]
"""Function of (fitted model, X) to what the model says of these rows, checked."""


@dataclass(frozen=True, eq=False)
class Given:
    """What `fit` was given."""

    X: Any
    y: NDArray[Any]
    weights: NDArray[np.float64] | None
    """[sample] how often each row counts; None where nobody said."""
    groups: Rows | None
    """[sample] group of each row, as a number; None where every row stands for itself."""


@dataclass(frozen=True, eq=False)
class Heard:
    """What the models of a point say of the rows of all folds, or why there is nothing."""

    point: GridPoint
    predictions: Predictions | None
    error: Exception | None
    seconds: float
    """Time of fitting and predicting, summed over folds."""


def fitted(estimator: Any, X: Any, y: Any, weights: NDArray[np.float64] | None) -> Any:  # noqa: N803
    """A fitted clone of an estimator; the given one stays as it is.

    Raises:
        FitError: weights of rows, and an estimator that takes none.
    """
    model = clone(estimator)
    if weights is None:
        return model.fit(X, y)
    return model.fit(X, y, **{_weight_argument(model): weights})


def hear(points: Sequence[GridPoint], given: Given, folds: Folds, ask: Ask, n_jobs: int | None) -> list[Heard]:
    """What each point says out of fold. One that fails says why, and the others go on."""
    work = [(point, train, test) for point in points for train, test in folds.pairs if len(test)]
    parts = Parallel(n_jobs=n_jobs)(delayed(_one)(point, given, train, test, ask) for point, train, test in work)
    size = len(parts) // len(points)
    return [_together(point, parts[place * size : (place + 1) * size]) for place, point in enumerate(points)]


def fit_all(points: Sequence[GridPoint], given: Given, n_jobs: int | None) -> list[Any]:
    """Models of some points, fitted on all rows."""
    work = (delayed(fitted)(point.estimator, given.X, given.y, given.weights) for point in points)
    return list(Parallel(n_jobs=n_jobs)(work))


Part = tuple[Predictions | None, Exception | None, float]
"""Predictions of one point in one fold, or its error; and seconds."""


def _one(point: GridPoint, given: Given, train: Rows, test: Rows, ask: Ask) -> Part:
    start = time.perf_counter()
    try:
        X, y = _safe_split(point.estimator, given.X, given.y, train)  # noqa: N806
        model = fitted(point.estimator, X, y, None if given.weights is None else given.weights[train])
        X, _ = _safe_split(point.estimator, given.X, None, test, train)  # noqa: N806
        return ask(model, X), None, time.perf_counter() - start
    except Exception as error:  # a row, and not the end
        return None, error, time.perf_counter() - start


def _together(point: GridPoint, parts: Sequence[Part]) -> Heard:
    seconds = sum(part[2] for part in parts)
    error = next((error for _, error, _ in parts if error is not None), None)
    said = [predictions for predictions, _, _ in parts if predictions is not None]
    if error is not None:
        return Heard(point, None, error, seconds)
    arrays = zip(*(one.parts.values() for one in said), strict=True)
    return Heard(point, type(said[0])(*(np.concatenate(list(each)) for each in arrays)), None, seconds)


def _weight_argument(estimator: Any) -> str:
    """The argument of `fit` for weights of rows; of a pipeline, that of its last step."""
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return f"{name}__{_weight_argument(last)}"
    if not has_fit_parameter(estimator, "sample_weight"):
        raise FitError(f"{type(estimator).__name__} takes no sample_weight; fit without, or take another estimator")
    return "sample_weight"
