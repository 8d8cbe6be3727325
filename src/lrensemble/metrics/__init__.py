"""Measures of predictions: pure functions of probabilities [sample, class] and labels [sample], each with its source.

`scores`, `decisions`, `ranking` and `calibration` register the metrics; `significance` compares two classifiers on the
same rows; `diversity` says how much members differ.
"""

from lrensemble.metrics import decisions, ranking  # noqa: F401  (registers what they define)
from lrensemble.metrics.base import METRICS, MetricFacts, higher_is_better, row_values, score, watched
from lrensemble.metrics.calibration import ece
from lrensemble.metrics.confusion import confusion_matrix, predicted_classes
from lrensemble.metrics.scores import accuracy, brier, nll, top_k_accuracy

__all__ = [
    "METRICS",
    "MetricFacts",
    "accuracy",
    "brier",
    "confusion_matrix",
    "ece",
    "higher_is_better",
    "nll",
    "predicted_classes",
    "row_values",
    "score",
    "top_k_accuracy",
    "watched",
]
