"""How right: accuracy, top-5 accuracy, negative log-likelihood, Brier score."""

from __future__ import annotations

import numpy as np

from lrensemble.metrics.base import METRICS, Floats, Labels, mean_over_rows

TINY = np.finfo(np.float64).tiny
"""Stands in for a probability of zero in a logarithm: NLL of a row is then 708.4 and not infinite."""


def correct(probs: Floats, labels: Labels) -> Floats:
    """[sample] one where the likeliest class is the label, else zero; ties go to the lowest class."""
    return np.asarray(probs.argmax(axis=1) == labels, dtype=np.float64)


def within_top5(probs: Floats, labels: Labels) -> Floats:
    """[sample] one where the label is among the five likeliest classes, else zero; ties go to the lowest class."""
    of_label = probs[np.arange(len(labels)), labels][:, None]
    before = np.arange(probs.shape[1]) < labels[:, None]
    ahead = (probs > of_label) | ((probs == of_label) & before)
    return np.asarray(ahead.sum(axis=1) < 5, dtype=np.float64)


def log_losses(probs: Floats, labels: Labels) -> Floats:
    """[sample] -ln p(label)."""
    return np.asarray(-np.log(np.maximum(probs[np.arange(len(labels)), labels], TINY)))


def squared_errors(probs: Floats, labels: Labels) -> Floats:
    """[sample] sum over classes of (p - 1[label])²."""
    of_label = probs[np.arange(len(labels)), labels]
    return np.asarray(np.einsum("sc,sc->s", probs, probs) - 2 * of_label + 1)


@METRICS.register(
    higher_is_better=True, needs="labels", per_row=correct, lowest=0.0, highest=1.0, unit="fraction", watched=True
)
def accuracy(probs: Floats, labels: Labels, weights: Floats | None = None) -> float:
    """Fraction of rows whose likeliest class is the label; ties go to the lowest class. Higher is better.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
    """
    return mean_over_rows(correct(probs, labels), weights)


@METRICS.register(higher_is_better=True, per_row=within_top5, lowest=0.0, highest=1.0, unit="fraction")
def top5_accuracy(probs: Floats, labels: Labels, weights: Floats | None = None) -> float:
    """Fraction of rows whose label is among the five likeliest classes. Higher is better.

    Ties go to the lowest class, as in `accuracy`; with five classes or fewer it is 1.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
    """
    return mean_over_rows(within_top5(probs, labels), weights)


@METRICS.register(
    higher_is_better=False, per_row=log_losses, lowest=0.0, unit="nats", watched=True, aliases=("log_loss",)
)
def nll(probs: Floats, labels: Labels, weights: Floats | None = None) -> float:
    """Negative log-likelihood in nats, the mean of -ln p(label) (Good 1952, logarithmic score). Lower is better.

    A probability of zero counts as the smallest normal double, 2.2e-308.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
    """
    return mean_over_rows(log_losses(probs, labels), weights)


@METRICS.register(higher_is_better=False, per_row=squared_errors, lowest=0.0, highest=2.0)
def brier(probs: Floats, labels: Labels, weights: Floats | None = None) -> float:
    """Brier score, the mean over rows of the sum over classes of (p - 1[label])², 0 to 2 (Brier 1950). Lower is better.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
    """
    return mean_over_rows(squared_errors(probs, labels), weights)
