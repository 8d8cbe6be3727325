"""Measures of predictions: pure functions of probabilities [sample, class] and labels [sample], each with its source.

`scores` and `calibration` register the metrics; `significance` compares two classifiers on the same rows; `diversity`
says how much members differ.
"""

from lrensemble.metrics.base import METRICS, MetricFacts, higher_is_better, row_values, score, watched
from lrensemble.metrics.calibration import ece
from lrensemble.metrics.scores import accuracy, brier, nll, top5_accuracy

__all__ = [
    "METRICS",
    "MetricFacts",
    "accuracy",
    "brier",
    "ece",
    "higher_is_better",
    "nll",
    "row_values",
    "score",
    "top5_accuracy",
    "watched",
]
