"""Outcomes that the diversity measures need: predictions, errors, and joint errors of pairs, on the same rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrensemble.errors import PredictionsError
from lrensemble.numerics import likeliest
from lrensemble.rows import check_weights
from lrensemble.targets import check_labels, check_probabilities


@dataclass(frozen=True)
class Outcomes:
    """Predictions of the members over some rows, and which of them are wrong.

    Attributes:
        predicted: [member, sample] predicted classes.
        wrong: [member, sample] whether the prediction is not the label.
        weights: [sample] how often each row counts.
        probs: [member, sample, class] probabilities, where the members gave them.
    """

    predicted: NDArray[np.integer]
    wrong: NDArray[np.bool_]
    weights: NDArray[np.float64]
    probs: NDArray[np.floating] | None = None

    @property
    def members(self) -> int:
        """Number of members."""
        return len(self.wrong)

    @property
    def rows(self) -> float:
        """Number of rows, as often as they count."""
        return float(self.weights.sum())


def outcomes(predictions: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> Outcomes:
    """Read predictions, checked once for all measures.

    Args:
        predictions: [member, sample] predicted classes, or [member, sample, class] probabilities (ties of the likeliest
            class go to the lowest).
        labels: [sample] class indices.
        weights: [sample] how often each row counts, not negative; once each where not given. Rows of weight zero are
            left out.

    Raises:
        PredictionsError: another shape, no member, no distributions, negative classes, labels or weights that do not
            fit.
    """
    given, truth = np.asarray(predictions), np.asarray(labels)
    if given.ndim not in (2, 3) or len(given) == 0 or (given.ndim == 2 and not np.issubdtype(given.dtype, np.integer)):
        raise PredictionsError(
            f"predictions have shape {given.shape} of {given.dtype}; "
            "give classes [member, sample] as integers, or probabilities [member, sample, class]"
        )
    if given.ndim == 3:
        check_probabilities(given, "predictions")
        check_labels(truth, given.shape[1], given.shape[2])
        predicted = likeliest(given)
        return _counted(Outcomes(predicted, predicted != truth, np.ones(len(truth)), given), weights)
    if given.min(initial=0) < 0:
        raise PredictionsError(f"predictions hold class {given.min()}; classes count from 0")
    check_labels(truth, given.shape[1], int(max(given.max(initial=0), truth.max(initial=0))) + 1)
    return _counted(Outcomes(given, given != truth, np.ones(len(truth))), weights)


def _counted(given: Outcomes, weights: ArrayLike | None) -> Outcomes:
    """The outcomes over the rows that count, as often as they do."""
    if weights is None:
        return given
    times = check_weights(np.asarray(weights), len(given.weights))
    return _over(replace(given, weights=times), times > 0)


def _over(given: Outcomes, rows: NDArray[np.bool_]) -> Outcomes:
    probs = None if given.probs is None else given.probs[:, rows]
    return Outcomes(given.predicted[:, rows], given.wrong[:, rows], given.weights[rows], probs)


def where_wrong(given: Outcomes, focal: int) -> Outcomes:
    """The outcomes over the rows that the focal member gets wrong (Wu et al. 2021).

    Raises:
        PredictionsError: there is no such member.
    """
    if not 0 <= focal < len(given.wrong):
        raise PredictionsError(f"no focal member {focal}; the members are 0 to {len(given.wrong) - 1}")
    return _over(given, given.wrong[focal])


def failures(given: Outcomes) -> NDArray[np.float64]:
    """Weight of rows [member] that the member gets wrong."""
    return np.asarray(given.wrong @ given.weights)


def cofailures(given: Outcomes) -> NDArray[np.float64]:
    """Weight of rows [member, member] that both get wrong."""
    wrong = given.wrong.astype(np.float64)
    return np.asarray((wrong * given.weights) @ wrong.T)


def agreements(given: Outcomes) -> NDArray[np.float64]:
    """Weight of rows [member, member] for which both predict the same class, right or wrong."""
    if (given.weights == 1).all():  # counting is ten times as fast
        return np.array([np.count_nonzero(given.predicted == one, axis=1) for one in given.predicted], dtype=np.float64)
    return np.array([(given.predicted == one) @ given.weights for one in given.predicted])


def chance_agreements(given: Outcomes) -> NDArray[np.float64]:
    """Weight of pairs of rows [member, member] predicted alike: the sum over classes of the product of their counts.

    Divided by rows², the probability that two members agree by chance, given how often each predicts each class.
    """
    classes = int(given.predicted.max(initial=0)) + 1
    counts = np.array([np.bincount(one, weights=given.weights, minlength=classes) for one in given.predicted])
    return np.asarray(counts @ counts.T)
