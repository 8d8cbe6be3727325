"""Trees of scikit-learn that were read from a file: no index in them leads out of them.

scikit-learn follows the indices of a tree without looking at its size, so a file that was made for it could have it
read memory that is not the tree's. In gradient boosting it also writes by them, which no check from outside makes safe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import DataError


def check_trees(model: Any) -> None:
    """Refuse a model with a tree that leads out of itself.

    Raises:
        DataError: such a tree, or one that cannot be checked.
    """
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
    from sklearn.tree._tree import Tree

    for owner, found in _parts(model, None, set()):
        if isinstance(found, GradientBoostingClassifier | GradientBoostingRegressor):
            raise DataError(
                f"{type(found).__name__} is not read from a skops file, for its trees cannot be checked; adopt the "
                "fitted model itself, in ONNX"
            )
        if isinstance(found, Tree):
            # The size first: a tree gives its arrays by the number that the file names.
            _require(0 < found.node_count <= found.capacity)
            left, right = found.children_left, found.children_right
            _check(left, right, found.feature, left == -1, _features(owner))
        elif isinstance(found, TreePredictor):
            nodes = found.nodes
            leaf = nodes["is_leaf"].astype(bool)
            _require(getattr(owner, "_preprocessor", None) is None and not nodes["is_categorical"].any())
            _check(nodes["left"], nodes["right"], nodes["feature_idx"], leaf, _features(owner))


def _parts(given: Any, owner: Any, seen: set[int]) -> Iterator[tuple[Any, Any]]:
    """Everything in a model, each with the estimator that it is a part of."""
    if id(given) in seen or isinstance(given, str | bytes | int | float | type | None):
        return
    seen.add(id(given))
    yield owner, given
    inside: list[Any] = []
    if isinstance(given, Mapping):
        inside = list(given.values())
    elif isinstance(given, list | tuple | set):
        inside = list(given)
    elif isinstance(given, np.ndarray):
        inside = list(given.ravel()) if given.dtype == object else []
    if hasattr(given, "__dict__"):
        inside += list(vars(given).values())
        owner = given if hasattr(given, "get_params") else owner
    for each in inside:
        yield from _parts(each, owner, seen)


def _check(
    left: NDArray[Any], right: NDArray[Any], feature: NDArray[Any], leaf: NDArray[np.bool_], features: int
) -> None:
    """Children come after their parent, and are nodes; what they ask for is a feature."""
    count = len(leaf)
    place = np.arange(count)[~leaf]
    _require(count > 0)
    for child in (left[~leaf].astype(np.int64), right[~leaf].astype(np.int64)):
        _require(bool(((child > place) & (child < count)).all()))
    asked = feature[~leaf].astype(np.int64)
    _require(bool(((asked >= 0) & (asked < features)).all()))


def _features(owner: Any) -> int:
    """Number of features of rows that an estimator takes."""
    found = vars(owner).get("n_features_in_") if hasattr(owner, "__dict__") else None
    _require(isinstance(found, int | np.integer))
    return int(found)  # type: ignore[arg-type]  # it is one now


def _require(holds: bool) -> None:
    if not holds:
        raise DataError(
            "the skops file holds a tree that leads out of itself, or splits by categories, which is not read; adopt "
            "the fitted model itself, or collect its predictions"
        )
