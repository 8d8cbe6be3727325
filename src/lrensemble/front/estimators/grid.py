"""Points of a grid: the estimator with the parameters of each, not fitted, and a seed of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, ParameterGrid, ParameterSampler
from sklearn.model_selection._search import BaseSearchCV

from lrensemble.errors import FitError

EXAMPLE = "a grid such as {'C': [0.1, 1, 10]}"


@dataclass(frozen=True)
class GridPoint:
    """One point of a grid."""

    name: str
    """Its parameters in a line."""
    parameters: Mapping[str, Any]
    estimator: Any
    """The estimator with these parameters, not fitted."""


def points_of(estimator: Any, grid: Any, draws: np.random.RandomState, kind: str) -> list[GridPoint]:
    """All points of a grid, in its order.

    What draws and was given no `random_state` gets a seed of its own at each point, the same in every fold, so that
    points differ by their parameters *and* by chance, as members of an ensemble should.

    Args:
        estimator: what scikit-learn can clone.
        grid: as `ParameterGrid` takes it, or a `ParameterGrid` or `ParameterSampler`.
        draws: the seeds come from it.
        kind: what the estimator has to be, `classifier` or `regressor`.

    Raises:
        FitError: no such estimator, or no grid.
        ValueError, TypeError: scikit-learn's own, of a parameter that the estimator has not, or a grid that is none.
    """
    _check_estimator(estimator, grid, kind)
    given = grid if isinstance(grid, ParameterGrid | ParameterSampler) else ParameterGrid(grid)
    points = [dict(point) for point in given]
    if not points or not any(points):
        raise FitError(f"grid = {grid!r} has no parameter to vary; give {EXAMPLE}")
    seeds = draws.randint(np.iinfo(np.int32).max, size=len(points))
    return [_point(estimator, parameters, int(seed)) for parameters, seed in zip(points, seeds, strict=True)]


def _point(estimator: Any, parameters: dict[str, Any], seed: int) -> GridPoint:
    own = clone(estimator).set_params(**{key: clone(value, safe=False) for key, value in parameters.items()})
    drawn = [key for key in own.get_params() if key.split("__")[-1] == "random_state"]
    own.set_params(**{key: seed for key in drawn if own.get_params()[key] is None and key not in parameters})
    return GridPoint(", ".join(f"{key}={_in_a_line(value)}" for key, value in parameters.items()), parameters, own)


def _in_a_line(value: object) -> str:
    return " ".join(repr(value).split())


def _check_estimator(estimator: Any, grid: Any, kind: str) -> None:
    if isinstance(estimator, BaseSearchCV) and (grid is None or hasattr(estimator, "cv_results_")):
        its_grid = "param_grid" if isinstance(estimator, GridSearchCV) else _grid_of(estimator)
        raise FitError(
            f"{type(estimator).__name__} keeps no models but the best, so there is nothing to choose a team from; give "
            f"its estimator and its grid: (search.estimator, search.{its_grid})"
        )
    if isinstance(estimator, type) or not all(hasattr(estimator, each) for each in ("fit", "predict", "get_params")):
        given = estimator.__name__ if isinstance(estimator, type) else repr(estimator)
        instead = f"{given}()" if isinstance(estimator, type) else "LogisticRegression()"
        raise FitError(f"estimator = {given} is no estimator of scikit-learn; give one, such as {instead}")
    if grid is None:
        raise FitError(f"no grid was given; give {EXAMPLE}, with parameters of {type(estimator).__name__}")
    known = hasattr(estimator, "__sklearn_tags__")
    if known and (is_regressor(estimator) if kind == "classifier" else is_classifier(estimator)):
        other = "regressor" if kind == "classifier" else "classifier"
        raise FitError(
            f"{type(estimator).__name__} is a {other}, and a {kind} is wanted; use LREnsemble{other.capitalize()}"
        )


def _grid_of(search: Any) -> str:
    """Attribute of a search that holds what it varies."""
    return next(name for name in ("param_grid", "param_distributions", "estimator") if hasattr(search, name))
