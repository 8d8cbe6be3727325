"""Metrics that a tool logged, beside the scores of the same model here."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

NAMES = {
    "accuracy": ("accuracy", "acc", "top1", "accuracy_score"),
    "nll": ("nll", "loss", "log_loss", "logloss", "cross_entropy", "neg_log_likelihood", "multi_logloss", "mlogloss"),
    "rmse": ("rmse", "root_mean_squared_error"),
    "mae": ("mae", "mean_absolute_error", "l1"),
    "r2": ("r2", "r2_score"),
}
"""Names of tools for metrics of ours."""

VALIDATION = r"^(val|valid|validation|eval|dev)[_\-/. ]"
"""What tools put before the names of metrics of validation rows."""

CLOSE = 2e-3
"""Difference that rounding and other batches explain: absolute of fractions, relative to larger numbers."""


def differences(logged: Mapping[str, float], scores: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """What was logged and what it scores here, by the tool's name, where both know a metric and it differs."""
    found = {}
    for name, theirs in logged.items():
        ours = scores.get(metric_of(name))
        if ours is None or not math.isfinite(theirs):
            continue
        theirs = theirs / 100 if metric_of(name) == "accuracy" and theirs > 1 else theirs  # in percent
        if abs(theirs - ours) > CLOSE * max(1.0, abs(ours)):
            found[name] = (theirs, ours)
    return found


def of_validation(values: Mapping[str, object]) -> dict[str, float]:
    """Numbers whose names say that they are of validation rows: `val_acc`, `eval/accuracy`; a bare `loss` is not."""
    return {
        name: float(each)
        for name, each in values.items()
        if isinstance(each, int | float) and not isinstance(each, bool) and re.match(VALIDATION, name.lower())
    }


def metric_of(name: str) -> str:
    """Our name of a metric that a tool calls so, without what says of which rows: `val_acc`, `eval/accuracy`."""
    bare = re.sub(VALIDATION, "", name.lower())
    return next((own for own, theirs in NAMES.items() if bare in theirs), "")
