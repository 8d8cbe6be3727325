"""Metrics of decisions, under scikit-learn's names: functions of the confusion matrix [label, predicted class].

Where scikit-learn's value is NaN, or comes with a warning, it is defined here: a ratio without a denominator is 0, and
so are MCC and kappa where the labels, or the predictions, are of one class alone. A row of weight zero is no row.
They are for classes alone: of choices, the first answer of one row has nothing in common with that of the next.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from lrensemble.errors import PredictionsError
from lrensemble.metrics.base import METRICS, Floats, Labels
from lrensemble.metrics.confusion import confusion_matrix, predicted_classes

Average = Literal["macro", "weighted", "micro", "binary"]
Matrix = tuple[tuple[float, ...], ...]


def _balanced_accuracies(matrix: Floats) -> Floats:
    """Mean […] over classes that occur of the fraction of their rows that are right."""
    support = matrix.sum(axis=-1)
    return _ratio(_ratio(_right(matrix), support).sum(axis=-1), (support > 0).sum(axis=-1))


@METRICS.register(
    higher_is_better=True,
    targets=("classes",),
    needs="labels",
    of_confusion=_balanced_accuracies,
    lowest=0.0,
    highest=1.0,
    unit="fraction",
    aliases=("balanced_accuracy_score",),
)
def balanced_accuracy(probs: Floats, labels: Labels, weights: Floats | None = None) -> float:
    """Balanced accuracy, the mean over classes of their recall (Brodersen et al. 2010). Higher is better.

    A class without rows does not count.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
    """
    return float(_balanced_accuracies(confusion_matrix(probs, labels, weights)))


def _precisions(matrix: Floats, *, average: Average | None = None) -> Floats:
    return _averaged(_right(matrix), matrix.sum(axis=-2), matrix, average)


@METRICS.register(
    higher_is_better=True,
    targets=("classes",),
    needs="labels",
    of_confusion=_precisions,
    lowest=0.0,
    highest=1.0,
    unit="fraction",
    aliases=("precision_score",),
)
def precision(probs: Floats, labels: Labels, weights: Floats | None = None, *, average: Average | None = None) -> float:
    """Precision, the fraction of a class's predictions that are right; 0 for one never predicted. Higher is better.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
        average: over classes that occur as label or as prediction: `macro` (each the same) or `weighted` (by rows);
            `micro` counts all classes together; `binary` is that of class 1 of two. Unless given, `binary` with two
            classes and `macro` with more.
    """
    return float(_precisions(confusion_matrix(probs, labels, weights), average=average))


def _recalls(matrix: Floats, *, average: Average | None = None) -> Floats:
    return _averaged(_right(matrix), matrix.sum(axis=-1), matrix, average)


@METRICS.register(
    higher_is_better=True,
    targets=("classes",),
    needs="labels",
    of_confusion=_recalls,
    lowest=0.0,
    highest=1.0,
    unit="fraction",
    aliases=("recall_score",),
)
def recall(probs: Floats, labels: Labels, weights: Floats | None = None, *, average: Average | None = None) -> float:
    """Recall, the fraction of a class's rows that are right. Higher is better.

    A class that is predicted and never occurs has 0, other than in `balanced_accuracy`, where it does not count.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
        average: as in `precision`.
    """
    return float(_recalls(confusion_matrix(probs, labels, weights), average=average))


def _f1_scores(matrix: Floats, *, average: Average | None = None) -> Floats:
    return _averaged(2 * _right(matrix), matrix.sum(axis=-1) + matrix.sum(axis=-2), matrix, average)


@METRICS.register(
    higher_is_better=True,
    targets=("classes",),
    needs="labels",
    of_confusion=_f1_scores,
    lowest=0.0,
    highest=1.0,
    unit="fraction",
    aliases=("f1_score",),
)
def f1(probs: Floats, labels: Labels, weights: Floats | None = None, *, average: Average | None = None) -> float:
    """F1, the harmonic mean of precision and recall (van Rijsbergen 1979, ch. 7). Higher is better.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
        average: as in `precision`.
    """
    return float(_f1_scores(confusion_matrix(probs, labels, weights), average=average))


def _correlations(matrix: Floats) -> Floats:
    """Correlation […] (c s - t · p) / sqrt((s² - p · p) (s² - t · t)): c right rows of s, and t and p the marginals."""
    support, predicted = matrix.sum(axis=-1), matrix.sum(axis=-2)
    spread = [(counts * (counts.sum(axis=-1, keepdims=True) - counts)).sum(axis=-1) for counts in (support, predicted)]
    together = _right(matrix).sum(axis=-1) * support.sum(axis=-1) - (support * predicted).sum(axis=-1)
    return np.clip(_ratio(together, np.sqrt(spread[0]) * np.sqrt(spread[1])), -1.0, 1.0)


@METRICS.register(
    higher_is_better=True,
    targets=("classes",),
    needs="labels",
    of_confusion=_correlations,
    lowest=-1.0,
    highest=1.0,
    aliases=("mcc",),
)
def matthews_corrcoef(probs: Floats, labels: Labels, weights: Floats | None = None) -> float:
    """Matthews correlation coefficient, for any number of classes (Gorodkin 2004, R_K). Higher is better.

    Where the labels or the predictions are of one class alone, 0.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
    """
    return float(_correlations(confusion_matrix(probs, labels, weights)))


def _kappas(matrix: Floats, *, weighting: Literal["linear", "quadratic"] | None = None) -> Floats:
    """Kappa […]: 1 - observed / expected disagreement, the latter for the same marginals without dependence."""
    distance = np.abs(np.subtract.outer(np.arange(matrix.shape[-1]), np.arange(matrix.shape[-1]))).astype(np.float64)
    disagreement = {None: np.minimum(distance, 1.0), "linear": distance, "quadratic": distance**2}[weighting]
    support, predicted = matrix.sum(axis=-1), matrix.sum(axis=-2)
    observed = (matrix * disagreement).sum(axis=(-2, -1)) * support.sum(axis=-1)
    expected = (support * (predicted @ disagreement)).sum(axis=-1)
    return np.where(expected > 0, 1 - _ratio(observed, expected), 0.0)


@METRICS.register(
    higher_is_better=True,
    targets=("classes",),
    needs="labels",
    of_confusion=_kappas,
    lowest=-1.0,
    highest=1.0,
    aliases=("cohen_kappa_score",),
)
def cohen_kappa(
    probs: Floats,
    labels: Labels,
    weights: Floats | None = None,
    *,
    weighting: Literal["linear", "quadratic"] | None = None,
) -> float:
    """Cohen's kappa, the agreement with the labels beyond chance (Cohen 1960; weighted: Cohen 1968). Higher is better.

    Where labels and predictions are all of one same class, 0.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
        weighting: what a confusion of two classes weighs: all the same, `linear` by how far their indices are apart, or
            `quadratic`. scikit-learn's argument `weights`; it counts the places among classes that occur.
    """
    return float(_kappas(confusion_matrix(probs, labels, weights), weighting=weighting))


def _row_costs(probs: Floats, labels: Labels, *, matrix: Matrix = ()) -> Floats:
    return _costs_of_pairs(matrix, probs.shape[1])[labels, predicted_classes(probs)]


def _mean_costs(confusion: Floats, *, matrix: Matrix = ()) -> Floats:
    costs = _costs_of_pairs(matrix, confusion.shape[-1])
    return _ratio((confusion * costs).sum(axis=(-2, -1)), confusion.sum(axis=(-2, -1)))


@METRICS.register(
    higher_is_better=False, targets=("classes",), needs="labels", per_row=_row_costs, of_confusion=_mean_costs
)
def cost(probs: Floats, labels: Labels, weights: Floats | None = None, *, matrix: Matrix = ()) -> float:
    """Mean cost of the decisions, by a matrix of costs (Elkan 2001, sec. 1). Lower is better.

    Args:
        probs: [sample, class] probabilities.
        labels: [sample] class indices.
        weights: [sample] how often each row counts.
        matrix: [label][predicted class] what each decision costs, negative for a gain; unless given 1 for every error.

    Raises:
        PredictionsError: the matrix has not one row for each label and one column for each predicted class.
    """
    return float(_mean_costs(confusion_matrix(probs, labels, weights), matrix=matrix))


def _costs_of_pairs(matrix: Matrix, classes: int) -> Floats:
    if not matrix:
        return 1 - np.eye(classes)
    if [len(row) for row in matrix] != [classes] * classes:
        raise PredictionsError(
            f"matrix has rows of {', '.join(str(len(row)) for row in matrix)} costs and there are {classes} classes; "
            f"give {classes} rows (labels) of {classes} costs (predicted classes)"
        )
    return np.array(matrix, dtype=np.float64)


def _right(matrix: Floats) -> Floats:
    """Weight of right rows of each class […, class]."""
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Part by whole, 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) != 0)


def _averaged(part: Floats, whole: Floats, matrix: Floats, average: Average | None) -> Floats:
    """Ratio […] of part and whole [..., class], averaged over classes."""
    classes = matrix.shape[-1]
    kind = average or ("binary" if classes == 2 else "macro")
    if kind == "binary" and classes != 2:
        raise PredictionsError(
            f"average = 'binary' is of class 1 of two classes, and there are {classes}; use macro, weighted or micro"
        )
    if kind == "micro":
        return _ratio(part.sum(axis=-1), whole.sum(axis=-1))
    of_class, support = _ratio(part, whole), matrix.sum(axis=-1)
    if kind == "binary":
        return np.asarray(of_class[..., 1])
    counts = support if kind == "weighted" else (support + matrix.sum(axis=-2) > 0).astype(np.float64)
    return _ratio((of_class * counts).sum(axis=-1), counts.sum(axis=-1))
