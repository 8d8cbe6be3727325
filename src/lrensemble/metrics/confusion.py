"""Decisions of a classifier: the predicted class of every row, and the confusion matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.metrics.base import Floats, Labels
from lrensemble.numerics import likeliest


def predicted_classes(probs: Floats) -> NDArray[np.int64]:
    """Likeliest class […] along the last axis; ties go to the lowest.

    The one rule of what is predicted: every metric of decisions, and every kernel that counts them, asks here.
    """
    return np.asarray(likeliest(probs))


def confusion_matrix(probs: Floats, labels: Labels, weights: Floats | None = None) -> Floats:
    """Confusion matrix [label, predicted class]: the sum of the weights of rows.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts; once where not given.
    """
    return confusions_of(predicted_classes(probs), labels, probs.shape[1], weights)


def confusions_of(predicted: Labels, labels: Labels, classes: int, weights: Floats | None = None) -> Floats:
    """The same matrix from predicted classes [sample], of so many classes."""
    pairs = labels * classes + predicted
    counts = np.bincount(pairs, weights=weights, minlength=classes * classes)
    return np.asarray(counts.reshape(classes, classes), dtype=np.float64)
