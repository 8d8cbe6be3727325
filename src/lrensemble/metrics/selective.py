"""Selective prediction: how right is who may abstain on the rows that it is least sure of?

Confidence is the probability of the likeliest class. Rows of the same confidence are kept or left out alike: each
counts with the share of right ones among them, so that their order does not matter.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import scipy
from pydantic import Field

from lrensemble.metrics.base import METRICS, Floats, Labels
from lrensemble.metrics.calibration import confidence_and_correctness

Coverage = Annotated[float, Field(gt=0, le=1)]


def risk_coverage(rows: Floats, weights: Floats | None = None) -> tuple[Floats, Floats]:
    """Rows kept, and wrong ones among them, from the surest confidence that occurs to the least: both [level].

    Args:
        rows: [sample, 2] confidence and correctness.
        weights: [sample] how often each row counts: as they are where they are whole numbers; others are scaled to a
            mean of one.
    """
    counts = _counts(weights, len(rows))
    rows, counts = rows[counts > 0], counts[counts > 0]
    order = np.argsort(-rows[:, 0], kind="stable")
    confidence = rows[order, 0]
    last = np.append(np.flatnonzero(confidence[1:] != confidence[:-1]), len(rows) - 1)
    kept, wrong = counts[order].cumsum(), (counts * (1 - rows[:, 1]))[order].cumsum()
    return kept[last], wrong[last]


def aurc_of_rows(rows: Floats, weights: Floats | None = None) -> float:
    """Area under the risk-coverage curve of confidence and correctness [sample, 2]."""
    kept, wrong = risk_coverage(rows, weights)
    before, errors = (np.append(0.0, each[:-1]) for each in (kept, wrong))
    rate = (wrong - errors) / (kept - before)
    total = float(kept[-1])
    if total <= 1:
        return float(np.clip(wrong[-1] / total, 0.0, 1.0))
    # Within a level the wrong ones grow evenly: the sum over k of (errors + (k - before) rate) / k.
    reciprocals = scipy.special.digamma(kept + 1) - scipy.special.digamma(before + 1)
    area = float((rate * (kept - before) + (errors - before * rate) * reciprocals).sum())
    ends = (float(rate[0]) + float(wrong[-1]) / total) / 2
    return float(np.clip((area - ends) / (total - 1), 0.0, 1.0))


@METRICS.register(
    higher_is_better=False,
    reduced=confidence_and_correctness,
    of_reduced=aurc_of_rows,
    lowest=0.0,
    highest=1.0,
    unit="",
)
def aurc(probs: Floats, labels: Labels, weights: Floats | None = None) -> float:
    """Area under the risk-coverage curve: error rate of the surest rows, over how many are kept. Lower is better.

    (Geifman & El-Yaniv 2017); by the trapezoidal rule over coverages of 1/n to 1, divided by 1 - 1/n, as
    torch-uncertainty computes it. Of a single row it is its error.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
    """
    return aurc_of_rows(confidence_and_correctness(probs, labels), weights)


def accuracy_of_surest(rows: Floats, weights: Floats | None = None, *, coverage: float = 0.8) -> float:
    """Accuracy at a coverage, of confidence and correctness [sample, 2]."""
    kept, wrong = risk_coverage(rows, weights)
    most = coverage * float(kept[-1])
    errors = float(np.interp(most, np.append(0.0, kept), np.append(0.0, wrong)))
    return float(np.clip(1 - errors / most, 0.0, 1.0))


@METRICS.register(
    higher_is_better=True,
    reduced=confidence_and_correctness,
    of_reduced=accuracy_of_surest,
    lowest=0.0,
    highest=1.0,
    unit="fraction",
    coverage=0.8,
)
def accuracy_at_coverage(
    probs: Floats, labels: Labels, weights: Floats | None = None, *, coverage: Coverage = 0.8
) -> float:
    """Accuracy on the share of rows whose confidence is highest (El-Yaniv & Wiener 2010). Higher is better.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
        coverage: share of the rows that are kept; the last of them counts by the share that is left for it.
    """
    return accuracy_of_surest(confidence_and_correctness(probs, labels), weights, coverage=coverage)


def _counts(weights: Floats | None, rows: int) -> Floats:
    if weights is None:
        return np.ones(rows)
    counts = np.asarray(weights, dtype=np.float64)
    return counts if (counts == np.round(counts)).all() else counts * (np.count_nonzero(counts) / counts.sum())
