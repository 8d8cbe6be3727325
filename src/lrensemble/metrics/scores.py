"""Scores and losses: accuracy, top-k accuracy, negative log-likelihood, Brier score, probability of the truth."""

from __future__ import annotations

import numpy as np

from lrensemble.limits import Count
from lrensemble.metrics.base import METRICS, Floats, Labels, mean_over_rows
from lrensemble.metrics.confusion import predicted_classes
from lrensemble.numerics import SMALLEST_PROBABILITY, TIE, least_tie

SURELY_AHEAD = 1 - 2 * TIE
"""Factor by which a probability may be lowered and still be above another, if it does not tie with that one."""


def correct(probs: Floats, labels: Labels) -> Floats:
    """Correctness [sample], 1 where the likeliest class is the label, else 0; ties go to the lowest class."""
    return np.asarray(predicted_classes(probs) == labels, dtype=np.float64)


def within_top_k(probs: Floats, labels: Labels, *, k: int = 5) -> Floats:
    """Correctness [sample], 1 where the label is among the k likeliest classes, else 0; ties go to the lowest class."""
    of_label = probs[np.arange(len(labels)), labels][:, None]
    near = probs >= least_tie(of_label)  # of these alone, the label among them, some may be ahead of it
    within = np.count_nonzero(near, axis=1) <= k
    open_rows = np.flatnonzero(~within)
    open_rows = open_rows[np.count_nonzero(probs[open_rows] * SURELY_AHEAD > of_label[open_rows], axis=1) < k]
    few, own = probs[open_rows], of_label[open_rows]
    before = np.arange(probs.shape[1]) < labels[open_rows, None]
    ahead = (least_tie(few) > own) | (near[open_rows] & before)
    within[open_rows] = ahead.sum(axis=1) < k
    return np.asarray(within, dtype=np.float64)


def log_losses(probs: Floats, labels: Labels) -> Floats:
    """Losses [sample], -ln p(label), 36.04 at most."""
    return np.asarray(-np.log(np.maximum(probs[np.arange(len(labels)), labels], SMALLEST_PROBABILITY)))


def probabilities_of_truth(probs: Floats, labels: Labels) -> Floats:
    """Probabilities [sample] of the label."""
    return np.asarray(probs[np.arange(len(labels)), labels])


def squared_errors(probs: Floats, labels: Labels) -> Floats:
    """Squared errors [sample], the sum over classes of (p - 1[label])²."""
    of_label = probs[np.arange(len(labels)), labels]
    return np.asarray(np.einsum("sc,sc->s", probs, probs) - 2 * of_label + 1)


@METRICS.register(
    higher_is_better=True,
    needs="labels",
    per_row=correct,
    lowest=0.0,
    highest=1.0,
    unit="fraction",
    watched=True,
    aliases=("accuracy_score",),
)
def accuracy(probs: Floats, labels: Labels, weights: Floats | None = None) -> float:
    """Fraction of rows whose likeliest class is the label. Higher is better.

    Of classes that tie, the lowest counts: probabilities tie within 2^-18 of the higher one, which is more than
    rounding and less than any vote (`lrensemble.numerics`).

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
    """
    return mean_over_rows(correct(probs, labels), weights)


@METRICS.register(
    higher_is_better=True,
    per_row=within_top_k,
    lowest=0.0,
    highest=1.0,
    unit="fraction",
    aliases=("top5_accuracy", "top_k_accuracy_score"),
)
def top_k_accuracy(probs: Floats, labels: Labels, weights: Floats | None = None, *, k: Count = 5) -> float:
    """Fraction of rows whose label is among the k likeliest classes. Higher is better.

    Ties go to the lowest class, as in `accuracy`; with k classes or fewer it is 1.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
        k: how many classes may be named, 5 unless given.
    """
    return mean_over_rows(within_top_k(probs, labels, k=k), weights)


@METRICS.register(
    higher_is_better=False,
    needs="likelihood",
    per_row=log_losses,
    lowest=0.0,
    unit="nats",
    watched=True,
    aliases=("log_loss",),
)
def nll(probs: Floats, labels: Labels, weights: Floats | None = None) -> float:
    """Negative log-likelihood in nats, the mean of -ln p(label) (Good 1952, logarithmic score). Lower is better.

    Probabilities below 2.2e-16, the epsilon of float64, count as that, as in `log_loss` of scikit-learn: a label that
    was given no probability costs 36.04 nats.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
    """
    return mean_over_rows(log_losses(probs, labels), weights)


@METRICS.register(
    higher_is_better=False,
    per_row=squared_errors,
    quadratic=True,
    lowest=0.0,
    highest=2.0,
    aliases=("brier_score_loss",),
)
def brier(probs: Floats, labels: Labels, weights: Floats | None = None) -> float:
    """Brier score, the mean over rows of the sum over classes of (p - 1[label])², 0 to 2 (Brier 1950). Lower is better.

    With two classes it is twice what scikit-learn's `brier_score_loss` gives unless told `scale_by_half=False`.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
    """
    return mean_over_rows(squared_errors(probs, labels), weights)


@METRICS.register(
    higher_is_better=True,
    targets="choices",
    needs="likelihood",
    per_row=probabilities_of_truth,
    lowest=0.0,
    highest=1.0,
    unit="fraction",
)
def mc2(probs: Floats, labels: Labels, weights: Floats | None = None) -> float:
    """Probability of the right choice, the mean over rows. Higher is better.

    Of the benchmark `truthfulqa_mc2`, whose two choices are all right answers and all wrong ones, it is MC2 (Lin et al.
    2022, section 3.1), which lm-evaluation-harness has called `mc2`, and calls `acc` of the task `truthfulqa_mc2`. Who
    spreads the probability evenly over k choices has 1/k. It is no proper score: the most sure guess is the best.

    Args:
        probs: [sample, choice] probabilities.
        labels: [sample] places of the right choices.
        weights: [sample] how often each row counts.
    """
    return mean_over_rows(probabilities_of_truth(probs, labels), weights)
