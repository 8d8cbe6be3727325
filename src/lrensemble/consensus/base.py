"""The registry of consensus functions, and the two ways in: `combine` and `fit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.registry import Registry
from lrensemble.spec import Spec, SpecLike, to_spec

Array: TypeAlias = Any
"""A numpy array or a torch tensor; the axes stand in the docstrings."""

Learner = Callable[[NDArray[np.float64], NDArray[np.int64]], dict[str, Any]]

CONSENSUS: Registry[Array] = Registry("consensus")
"""Functions of (probabilities [member, sample, class], weights [member] that sum to 1) to [sample, class]."""

_LEARNERS: dict[str, Learner] = {}


def learns(name: str) -> Callable[[Learner], Learner]:
    """Register what a consensus learns: (probabilities [member, sample, class], labels [sample]) to its arguments."""

    def add(learner: Learner) -> Learner:
        _LEARNERS[name] = learner
        return learner

    return add


def combine(consensus: SpecLike, probs: Array, weights: Array | None = None) -> Array:
    """Members' probabilities as one.

    Args:
        consensus: a registered name with its arguments; one that learns must have been fitted.
        probs: [member, sample, class] probabilities, numpy or torch.
        weights: [member], not negative; normalised here to sum to one. Equal where not given.

    Returns:
        [sample, class] probabilities of the same kind of array.

    Raises:
        PredictionsError: `probs` has not three axes or no member, or the weights do not fit.
    """
    xp = array_namespace(probs)
    if probs.ndim != 3 or probs.shape[0] == 0:
        raise PredictionsError(f"probabilities have shape {tuple(probs.shape)}; give [member, sample, class]")
    if weights is None:
        weights = xp.ones_like(probs[:, 0, 0])
    weights = xp.asarray(weights, dtype=probs.dtype, device=getattr(probs, "device", None))
    if tuple(weights.shape) != (probs.shape[0],) or bool(xp.any(weights < 0)) or not float(xp.sum(weights)) > 0:
        raise PredictionsError(
            f"weights {weights} do not fit {probs.shape[0]} members; give one for each, not negative, not all zero"
        )
    return CONSENSUS.call(consensus, probs, weights / xp.sum(weights))


def fit(consensus: SpecLike, probs: NDArray[np.float64], labels: NDArray[np.int64]) -> Spec:
    """The consensus with what it learns from validation rows filled in; unchanged where it learns nothing.

    Args:
        consensus: a registered name with its arguments.
        probs: [member, sample, class] probabilities on validation rows.
        labels: [sample] class indices.
    """
    spec = CONSENSUS.check(consensus)
    learner = _LEARNERS.get(spec.name)
    return spec if learner is None else to_spec({"name": spec.name, **spec.arguments, **learner(probs, labels)})
