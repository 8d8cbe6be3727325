"""ROC AUC and average precision: scikit-learn's numbers and the definitions, with ties, weights and absent classes."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as reference

from lrensemble.metrics import METRICS

Floats = NDArray[np.float64]
ROWS, CLASSES = 90, 4


def rows(seed: int, levels: int) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Probabilities [sample, class] of few levels, so that many are equal; labels; weights, some of them 0."""
    generator = np.random.default_rng(seed)
    probs = generator.integers(1, levels, size=(ROWS, CLASSES)).astype(np.float64)
    weights = generator.choice([0.0, 0.5, 1.0, 2.0], size=ROWS)
    return probs / probs.sum(axis=1, keepdims=True), generator.integers(CLASSES, size=ROWS), weights


@pytest.mark.parametrize("levels", [3, 6, 1000])
@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_scikit_learn_gives_the_same(levels: int, average: str) -> None:
    probs, labels, weights = rows(levels, levels)
    area = reference.roc_auc_score(labels, probs, multi_class="ovr", average=average, sample_weight=weights)
    assert METRICS.call(f"roc_auc(average={average!r})", probs, labels, weights) == pytest.approx(area, rel=1e-12)
    one_hot = np.eye(CLASSES)[labels]
    precision = reference.average_precision_score(one_hot, probs, average=average, sample_weight=weights)
    assert METRICS.call(f"average_precision(average={average!r})", probs, labels, weights) == pytest.approx(
        precision, rel=1e-12
    )


@pytest.mark.parametrize("levels", [3, 1000])
def test_pairs_by_the_definition(levels: int) -> None:
    """How often a row of class 1 is above one of class 0; equal ones count half, and weights repeat rows."""
    probs, labels, weights = rows(levels, levels)
    two, labels = probs[:, :2] / probs[:, :2].sum(axis=1, keepdims=True), labels % 2
    right = total = 0.0
    for one in np.flatnonzero(labels == 1):
        for other in np.flatnonzero(labels == 0):
            pair = weights[one] * weights[other]
            right += pair * ((two[one, 1] > two[other, 1]) + 0.5 * (two[one, 1] == two[other, 1]))
            total += pair
    assert METRICS.call("roc_auc", two, labels, weights) == pytest.approx(right / total, rel=1e-12)


def test_rows_that_count_nothing_change_nothing() -> None:
    probs, labels, weights = rows(0, 5)
    kept = weights > 0
    for name in ("roc_auc", "roc_auc(multi_class='ovo')", "average_precision", "average_precision(average='micro')"):
        assert METRICS.call(name, probs, labels, weights) == METRICS.call(
            name, probs[kept], labels[kept], weights[kept]
        )


def test_by_hand() -> None:
    """Three of the four pairs are in order, one is equal; precision is 1 at half of the recall and 2/3 at all of it."""
    probs = np.array([[0.2, 0.8], [0.5, 0.5], [0.5, 0.5], [0.9, 0.1]])
    labels = np.array([1, 0, 1, 0])
    assert METRICS.call("roc_auc", probs, labels) == 0.875
    assert METRICS.call("average_precision", probs, labels) == pytest.approx(0.5 + 0.5 * 2 / 3)
