"""Front door of metrics: `score` of predictions as they are, checked before they are measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from lrensemble.errors import PredictionsError
from lrensemble.front.indexes import in_order_of
from lrensemble.front.numbers import as_array
from lrensemble.metrics import METRICS
from lrensemble.metrics import score as measured
from lrensemble.metrics.serving import OF_CLASSES
from lrensemble.rows import check_weights
from lrensemble.spec import SpecLike
from lrensemble.targets import Classes, check_probabilities


def score(metric: SpecLike, predictions: Any, truth: Any, weights: Any = None) -> float:
    """The metric turned so that higher is better: losses are negated.

    ```python
    lrensemble.score("nll", [[0.9, 0.1], [0.2, 0.8]], [0, 1])
    ```

    Args:
        metric: a registered name with its arguments.
        predictions: probabilities [sample, class], or values [sample, output], of one output also [sample]; an array, a
            tensor, a frame or lists.
        truth: class indices [sample], or values [sample, output], of one output also [sample].
        weights: [sample] how often each row counts, not negative; once each where not given.

    Raises:
        UnknownNameError, SpecError: a metric or an argument that is not known.
        PredictionsError: shapes that do not fit, what are no probabilities, labels outside the classes, NaN, or weights
            that cannot be.
        DataError: masked values, a frame that holds no numbers, or an index of pandas that is of other rows.
    """
    facts = METRICS.facts(METRICS.check(metric))
    of_classes = bool(set(OF_CLASSES) & set(facts.targets))
    said = as_array(predictions, source="predictions")
    known = as_array(in_order_of(predictions, truth, "truth"), source="truth")
    if not of_classes:
        said, known = (each[:, None] if each.ndim == 1 else each for each in (said, known))
    if said.ndim != 2 or 0 in said.shape or said.dtype.kind not in "buif":
        axes = "[sample, class] probabilities" if of_classes else "[sample, output] values"
        raise PredictionsError(f"predictions are {said.dtype} of shape {said.shape}; give {axes}, a row at least")
    if of_classes:
        check_probabilities(said, "predictions")
        Classes(names=tuple(map(str, range(said.shape[1])))).check_truth(known, len(said))
    else:
        _check_values(said, known)
    counts = None if weights is None else as_array(in_order_of(predictions, weights, "weights"), source="weights")
    counts = None if counts is None else check_weights(counts, len(said))
    return measured(metric, said, known, counts)


def _check_values(said: Any, known: Any) -> None:
    """Refuse values that cannot be compared: predictions may go on with a variance for each output.

    Raises:
        PredictionsError: other rows or outputs, or what is not finite.
    """
    for name, each in (("predictions", said), ("truth", known)):
        if each.dtype.kind not in "buif" or not np.isfinite(each).all():
            raise PredictionsError(f"{name} hold what is no finite number; give finite values [sample, output]")
    if known.ndim != 2 or len(known) != len(said) or said.shape[1] not in (known.shape[1], 2 * known.shape[1]):
        raise PredictionsError(
            f"predictions have shape {said.shape} and the truth {known.shape}; give the same rows and outputs of both"
        )
