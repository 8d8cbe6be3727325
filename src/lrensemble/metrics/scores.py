"""How right: accuracy, top-5 accuracy, negative log-likelihood, Brier score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.metrics.base import METRICS

TINY = np.finfo(np.float64).tiny
"""Stands in for a probability of zero in a logarithm: NLL of a row is then 708.4 and not infinite."""


@METRICS.register()
def accuracy(probs: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Fraction of rows whose likeliest class is the label; ties go to the lowest class. Higher is better.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
    """
    return float(np.mean(probs.argmax(axis=1) == labels))


@METRICS.register()
def top5_accuracy(probs: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Fraction of rows whose label is among the five likeliest classes. Higher is better.

    Ties go to the lowest class, as in `accuracy`; with five classes or fewer it is 1.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
    """
    rows = np.arange(len(labels))
    of_label = probs[rows, labels][:, None]
    before = np.arange(probs.shape[1]) < labels[:, None]
    ahead = (probs > of_label) | ((probs == of_label) & before)
    return float(np.mean(ahead.sum(axis=1) < 5))


@METRICS.register()
def nll(probs: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Negative log-likelihood in nats, the mean of -ln p(label) (Good 1952, logarithmic score). Lower is better.

    A probability of zero counts as the smallest normal double, 2.2e-308.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
    """
    of_label = probs[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(of_label, TINY)).mean())


@METRICS.register()
def brier(probs: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Brier score, the mean over rows of the sum over classes of (p - 1[label])², 0 to 2 (Brier 1950). Lower is better.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
    """
    of_label = probs[np.arange(len(labels)), labels]
    return float(np.mean(np.einsum("sc,sc->s", probs, probs) - 2 * of_label + 1))
