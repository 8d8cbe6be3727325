"""What a consensus of one's own is given and returns: it changes nothing, and what it gives is predictions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus.arrays import Array
from lrensemble.errors import PredictionsError
from lrensemble.registry import is_shipped
from lrensemble.rows import read_only
from lrensemble.targets import check_probabilities
from lrensemble.targets.checks import SUM_TOLERANCE
from lrensemble.text import shortened


def checked(name: str, function: Callable[..., Array]) -> Callable[..., Array]:
    """A consensus of one's own, which is refused where it returns no predictions; one of this package as it is.

    A score of anything else means nothing, and may be a good one: sums that nobody divided by the number of members
    have a likelihood above 1.
    """
    if is_shipped(function):
        return function

    @functools.wraps(function)
    def consensus(predictions: Array, weights: Array, **own: object) -> Array:
        combined = function(read_only(predictions), read_only(weights), **own)
        _require_predictions(name, combined, predictions)
        return combined

    return consensus


def _require_predictions(name: str, combined: Any, predictions: Array) -> None:
    """Refuse what is no array [sample, column] of finite numbers, and of probabilities what is no distribution.

    Raises:
        PredictionsError: what was returned, and what a consensus returns.
    """
    wanted = tuple(predictions.shape[1:])
    if type(combined) is not type(predictions) and not isinstance(combined, np.ndarray):
        raise PredictionsError(
            f"consensus {name!r} returned {shortened(combined)}; "
            f"it must return an array [sample, column], {list(wanted)}"
        )
    if tuple(combined.shape) != wanted:
        raise PredictionsError(
            f"consensus {name!r} returned an array of shape {list(combined.shape)}; "
            f"it must return [sample, column], {list(wanted)}"
        )
    if not isinstance(combined, np.ndarray) or not isinstance(predictions, np.ndarray):
        return  # a tensor, perhaps of a program that is traced, whose numbers nobody can ask for
    if combined.dtype.kind not in "fiub":
        raise PredictionsError(
            f"consensus {name!r} returned numbers of type {combined.dtype}; it must return real ones"
        )
    if _are_probabilities(predictions):
        check_probabilities(combined, f"consensus {name!r} returned what is no distribution over classes")
    elif not np.isfinite(combined).all():
        row = int(np.argmin(np.isfinite(combined).all(axis=1)))
        raise PredictionsError(f"consensus {name!r} returned {combined[row].tolist()} in row {row}; give finite values")


def _are_probabilities(predictions: NDArray[Any]) -> bool:
    """Whether all that members say are distributions over classes."""
    if predictions.shape[-1] < 2 or (predictions < 0).any():
        return False
    return bool((np.abs(predictions.sum(axis=-1) - 1) <= SUM_TOLERANCE).all())
