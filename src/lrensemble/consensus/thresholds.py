"""Thresholds for decisions: an offset for each class, learned for a metric that does not follow the likeliest class."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus.arrays import Array, like, safe_log, softmax
from lrensemble.consensus.base import CONSENSUS, Arguments, Floats, combine, fit
from lrensemble.consensus.offsets import LEAST_GAIN, MOST_CLASSES, Decisions, along_the_prior, ascended
from lrensemble.errors import PredictionsError, SpecError
from lrensemble.limits import Factor
from lrensemble.metrics import METRICS, higher_is_better, predicted_classes
from lrensemble.metrics.confusion import confusions_of
from lrensemble.rows import stratified_folds
from lrensemble.spec import SpecLike

FOLDS = 5
RESAMPLES = 100
"""Resamples of the rows, for the standard error of a gain."""


def _offsets(
    arguments: Arguments,
    probs: Floats,
    labels: NDArray[np.int64],
    weights: Floats,
    counts: Floats | None = None,
) -> dict[str, object]:
    inner = fit(arguments["consensus"], probs, labels, weights, counts)
    measure = _measure(arguments["metric"])
    times = np.ones(len(labels)) if counts is None else counts
    logs = np.asarray(safe_log(combine(inner, probs, weights)))
    learned = _cross_validated(Decisions(logs, labels, times, measure), arguments["penalty"])
    return {"consensus": inner, "offsets": tuple(learned.tolist())}


@CONSENSUS.register(targets=("classes",), learns=_offsets, consensus="mean", offsets=[0.0, 0.5, -0.5])
def thresholds(
    probs: Array,
    weights: Array,
    *,
    consensus: Any = "mean",
    metric: Any = "balanced_accuracy",  # noqa: ARG001  (for `fit`, as the penalty)
    offsets: tuple[float, ...] = (),
    penalty: Factor = 1.0,  # noqa: ARG001
) -> Array:
    """Any other consensus with an offset for each class, added to log-probabilities: for decisions (Menon et al. 2021).

    What comes out is normalised again, but it is honest only as a decision: NLL and calibration suffer. `fit` fits the
    inner consensus, then looks for offsets that raise the metric, along the classes' frequencies and freely, and
    cross-validates both. They are taken where they gain more than one standard error on rows that they were not
    learned from, and lose nothing on their own; otherwise all offsets are zero.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1.
        consensus: the inner one, as spec or text.
        metric: what is raised: one of the confusion matrix, such as `f1`, `balanced_accuracy` or `cost(matrix=…)`.
        offsets: [class], learned by `fit`; none where not given.
        penalty: rows of a class that an offset must gain for every squared nat it moves freely, while learning.

    Returns:
        [sample, class] probabilities.

    Raises:
        PredictionsError: not one offset for each class.
    """
    out = CONSENSUS.call(consensus, probs, weights)
    if not any(offsets):
        return out
    if len(offsets) != out.shape[1]:
        raise PredictionsError(
            f"thresholds holds {len(offsets)} offsets for {out.shape[1]} classes; fit it to them first"
        )
    return softmax(safe_log(out) + like(probs, offsets))


def _measure(metric: SpecLike) -> partial[Floats]:
    spec = METRICS.check(metric)
    of_confusion = METRICS.facts(spec).of_confusion
    if of_confusion is None:
        known = [name for name in METRICS if METRICS.facts(name).of_confusion is not None]
        raise SpecError(f"thresholds raises a metric of decisions, and {spec} is none; use one of {', '.join(known)}")
    return partial(_signed, partial(of_confusion, **spec.arguments), 1.0 if higher_is_better(spec) else -1.0)


def _signed(of_confusion: partial[Floats], sign: float, matrices: Floats) -> Floats:
    return sign * of_confusion(matrices)


def _cross_validated(rows: Decisions, penalty: float) -> Floats:
    """Mean offsets [class] of the folds, of the family that gains; zeros where none does."""
    classes = rows.logs.shape[1]
    none = np.zeros(classes)
    fold_of_row = stratified_folds(rows.labels, FOLDS, seed=0)
    folds = int(fold_of_row.max()) + 1
    if folds < 2 or classes < 2:
        return none
    prior, free = np.zeros((folds, classes)), np.zeros((folds, classes))
    for fold in range(folds):
        inside = rows.of_rows(fold_of_row != fold)
        prior[fold] = along_the_prior(inside)
        free[fold] = ascended(inside, prior[fold], penalty) if classes <= MOST_CLASSES else prior[fold]
    taken, said = none, predicted_classes(softmax(rows.logs))
    for family in (prior, free):
        learned, other = family.mean(axis=0), predicted_classes(softmax(rows.logs + family[fold_of_row]))
        if _gains(rows, said, other) and rows.score(learned) >= rows.score(none):
            taken, said = learned, other
    return taken


def _gains(rows: Decisions, said: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    """Whether other decisions [sample] score better than what is said, by more than one standard error."""
    if (said == other).all():
        return False

    def gain(counts: Floats) -> float:
        matrices = [confusions_of(each, rows.labels, rows.logs.shape[1], counts) for each in (said, other)]
        scores = rows.measure(np.array(matrices))
        return float(scores[1] - scores[0])

    drawn = np.random.default_rng(0).multinomial(len(said), np.full(len(said), 1 / len(said)), size=RESAMPLES)
    error = float(np.std([gain(times * rows.counts) for times in drawn]))
    return gain(rows.counts) > error + LEAST_GAIN
