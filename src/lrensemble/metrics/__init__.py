"""Measures of predictions: pure functions of predictions and truth, each with its source.

For classes and choices these are probabilities [sample, class] and labels [sample]: `scores`, `decisions`, `ranking`,
`calibration` and `selective` register the metrics. For values both are [sample, output]: `values`, and `distributions`
where the variances follow the means. `serving` says what is for which target, and `reduction` what is needed of rows
that come some at a time; `significance` compares two predictors on the same rows; `diversity` says how much members
differ; `conformal` makes sets of classes, and `detection` tells foreign rows by how unsure predictions are.
"""

from lrensemble.metrics import decisions, ranking  # noqa: F401  (registers what they define)
from lrensemble.metrics.base import METRICS, MetricFacts, higher_is_better, require_aim, row_values, score, watched
from lrensemble.metrics.calibration import ece
from lrensemble.metrics.confusion import confusion_matrix, predicted_classes
from lrensemble.metrics.distributions import coverage, crps, gaussian_nll, interval_width
from lrensemble.metrics.scores import accuracy, brier, nll, top_k_accuracy
from lrensemble.metrics.selective import accuracy_at_coverage, aurc
from lrensemble.metrics.serving import require_target, serving
from lrensemble.metrics.values import mae, mse, pinball, r2, rmse

__all__ = [
    "METRICS",
    "MetricFacts",
    "accuracy",
    "accuracy_at_coverage",
    "aurc",
    "brier",
    "confusion_matrix",
    "coverage",
    "crps",
    "ece",
    "gaussian_nll",
    "higher_is_better",
    "interval_width",
    "mae",
    "mse",
    "nll",
    "pinball",
    "predicted_classes",
    "r2",
    "require_aim",
    "require_target",
    "rmse",
    "row_values",
    "score",
    "serving",
    "top_k_accuracy",
    "watched",
]
