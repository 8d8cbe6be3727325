"""Which metrics a target is measured by, and their values as a record of the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.evaluate.kept import Kept
from lrensemble.evaluate.result import STANDARD, Scores
from lrensemble.metrics import METRICS
from lrensemble.targets import Classes, Target

Floats = NDArray[np.float64]

FIELDS = {"top_k_accuracy(k=5)": "top5_accuracy"}
"""Keys of metrics that have another one than their name."""


def metrics_of_target(target: Target, aims: Iterable[str] = ()) -> tuple[str, ...]:
    """Metrics that everybody is measured by: those of the target, and those that teams aim at.

    The label is always among the five likeliest of as many classes.
    """
    few = isinstance(target, Classes) and target.width <= 5
    own = [metric for metric in target.metrics if not (few and FIELDS.get(metric) == "top5_accuracy")]
    return tuple(dict.fromkeys((*own, *aims)))


def record_of(found: Mapping[str, float | None]) -> Scores:
    """Values of metrics, by metric, as a record."""
    by_field = {FIELDS.get(metric, metric): value for metric, value in found.items()}
    usual = {field: value for field, value in by_field.items() if field in STANDARD}
    others = {field: value for field, value in by_field.items() if field not in STANDARD}
    return Scores.model_validate({**usual, "others": others})


def measured_by(
    metrics: Iterable[str], predictions: Floats, truth: NDArray[Any], width: int, weights: Floats | None
) -> Scores:
    """Values of metrics of predictions [sample, column] that are there as a whole.

    Args:
        metrics: that are measured.
        predictions: as the metrics read them.
        truth: of the rows.
        width: number of classes, or of outputs.
        weights: weight of each row [sample].
    """
    found = dict[str, float | None]()
    for metric in metrics:
        kept = Kept(metric, truth, width)
        kept.add(0, predictions, truth)
        found[metric] = kept.value(weights)
    return record_of(found)


def scores(
    probs: Floats,
    labels: NDArray[Any],
    weights: Floats | None = None,
    *,
    probabilities: bool = True,
    metrics: Iterable[str] = (),
) -> Scores:
    """Scores of probabilities on one split.

    Args:
        probs: probabilities [sample, class].
        labels: class indices [sample].
        weights: weight of each row [sample].
        probabilities: whether `probs` are probabilities; False for labels alone, without metrics of probabilities.
        metrics: metrics beside those of classes.
    """
    wanted = metrics_of_target(Classes(names=tuple(map(str, range(probs.shape[1])))), metrics)
    able = [metric for metric in wanted if probabilities or METRICS.facts(METRICS.check(metric)).needs == "labels"]
    return measured_by(able, probs, labels, probs.shape[1], weights)
