"""Metrics of decisions and of rankings: by hand, at the edges, and what each refuses."""

import numpy as np
import pytest
from sklearn import metrics as reference

from lrensemble.errors import PredictionsError, SpecError, UnknownNameError
from lrensemble.metrics import METRICS, confusion_matrix, predicted_classes, score


def test_the_confusion_matrix_has_labels_before_predictions() -> None:
    probs = np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [0.4, 0.4, 0.2], [0.1, 0.2, 0.7]])
    assert predicted_classes(probs).tolist() == [0, 2, 0, 2]
    counted = confusion_matrix(probs, np.array([0, 1, 1, 1]), np.array([1.0, 2.0, 0.5, 1.0]))
    assert counted.tolist() == [[1.0, 0.0, 0.0], [0.5, 0.0, 3.0], [0.0, 0.0, 0.0]]
    assert predicted_classes(np.stack([probs, probs[::-1]])).shape == (2, 4)


def test_by_hand() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1])
    probs = np.eye(3)[[0, 0, 0, 2, 1, 0]]
    assert METRICS.call("balanced_accuracy", probs, labels) == pytest.approx((3 / 4 + 1 / 2) / 2)
    # Recall counts class 2, which is predicted and never right; balanced accuracy does not.
    assert METRICS.call("recall", probs, labels) == pytest.approx((3 / 4 + 1 / 2 + 0) / 3)
    assert METRICS.call("precision", probs, labels) == pytest.approx((3 / 4 + 1 + 0) / 3)
    assert METRICS.call("f1", probs, labels) == pytest.approx((6 / 8 + 2 / 3 + 0) / 3)
    assert METRICS.call("f1(average='weighted')", probs, labels) == pytest.approx((4 * 6 / 8 + 2 * 2 / 3) / 6)
    assert METRICS.call("f1(average='micro')", probs, labels) == pytest.approx(4 / 6)
    # Observed disagreement 2 of 6; expected 1 - (4 · 4 + 2 · 1) / 36.
    assert METRICS.call("cohen_kappa", probs, labels) == pytest.approx(1 - (2 / 6) / (18 / 36))


def test_two_classes_are_scored_by_class_1_unless_asked_otherwise() -> None:
    labels = np.array([1, 1, 1, 0, 0])
    probs = np.eye(2)[[1, 0, 1, 1, 0]]
    assert METRICS.call("precision", probs, labels) == pytest.approx(2 / 3)
    assert METRICS.call("f1", probs, labels) == METRICS.call("f1(average='binary')", probs, labels)
    assert METRICS.call("f1(average='macro')", probs, labels) == pytest.approx((4 / 6 + 2 / 4) / 2)


def test_costs_by_hand() -> None:
    labels, probs = np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8], [0.6, 0.4]])
    spec = "cost(matrix=[[0.0, 1.0], [10.0, -2.0]])"
    assert METRICS.call(spec, probs, labels) == pytest.approx((0 + 1 - 2 + 10) / 4)
    assert METRICS.call(spec, probs, labels, np.array([1.0, 1.0, 1.0, 0.0])) == pytest.approx(-1 / 3)
    assert score(spec, probs, labels) == pytest.approx(-9 / 4)
    assert METRICS.call("cost", probs, labels) == pytest.approx(1 / 2), "unless given, 1 for every error"


@pytest.mark.parametrize("label", [0, 1, 2])
def test_where_rows_are_of_one_class(label: int) -> None:
    labels = np.full(6, label)
    right, mixed = np.eye(3)[labels], np.eye(3)[[0, 1, 2, 0, 1, 2]]
    for name in ("balanced_accuracy", "f1", "precision", "recall", "average_precision"):
        assert METRICS.call(name, right, labels) == 1
    assert METRICS.call("balanced_accuracy", mixed, labels) == pytest.approx(1 / 3)
    for name in ("matthews_corrcoef", "cohen_kappa", "cohen_kappa(weighting='quadratic')"):
        assert METRICS.call(name, right, labels) == METRICS.call(name, mixed, labels) == 0
    assert METRICS.call("roc_auc", mixed, labels) == METRICS.call("roc_auc(multi_class='ovo')", right, labels) == 0.5


def test_a_class_without_rows_is_left_out_of_the_ranking() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(3, size=50) * 2  # of five classes 0, 2 and 4
    probs = generator.dirichlet(np.ones(5), size=50)
    areas = [float(reference.roc_auc_score(labels == one, probs[:, one])) for one in (0, 2, 4)]
    assert METRICS.call("roc_auc", probs, labels) == pytest.approx(np.mean(areas))
    precisions = [float(reference.average_precision_score(labels == one, probs[:, one])) for one in (0, 2, 4)]
    assert METRICS.call("average_precision", probs, labels) == pytest.approx(np.mean(precisions))
    assert METRICS.call("average_precision", probs[:, :2] / probs[:, :2].sum(axis=1)[:, None], labels * 0) == 0


def test_top_k() -> None:
    probs, labels = np.array([[0.5, 0.3, 0.2], [0.4, 0.3, 0.3], [0.1, 0.2, 0.7]]), np.array([1, 2, 2])
    values = [METRICS.call({"name": "top_k_accuracy", "k": k}, probs, labels) for k in (1, 2, 3, 9)]
    assert values == pytest.approx([1 / 3, 2 / 3, 1, 1])


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("accuracy_score", "accuracy"),
        ("balanced_accuracy_score", "balanced_accuracy"),
        ("f1_score", "f1"),
        ("precision_score", "precision"),
        ("recall_score", "recall"),
        ("mcc", "matthews_corrcoef"),
        ("cohen_kappa_score", "cohen_kappa"),
        ("roc_auc_score", "roc_auc"),
        ("average_precision_score", "average_precision"),
        ("top_k_accuracy_score", "top_k_accuracy"),
        ("top5_accuracy", "top_k_accuracy"),
        ("log_loss", "nll"),
        ("brier_score_loss", "brier"),
    ],
)
def test_both_names_are_known(alias: str, name: str) -> None:
    assert METRICS.check(alias) == METRICS.check(name)
    assert alias in METRICS.aliases(name)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("ballanced_accuracy_score", "did you mean 'balanced_accuracy_score'"),
        ("f1_scor", "did you mean 'f1_score'"),
        ("top5_acuracy", "did you mean 'top5_accuracy'"),
    ],
)
def test_the_nearest_name_may_be_an_alias(spec: str, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        METRICS.check(spec)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "f1(average='binary')",
            "'binary' is of class 1 of two classes, and there are 3; use macro, weighted or micro",
        ),
        ("average_precision(average='binary')", "and there are 3; use macro, weighted or micro"),
        ("cost(matrix=[[0.0, 1.0], [1.0, 0.0]])", "rows of 2, 2 costs and there are 3 classes; give 3 rows"),
        ("cost(matrix=[[0.0, 1.0, 1.0], [1.0, 0.0]])", "rows of 3, 2 costs"),
    ],
)
def test_what_does_not_fit_the_classes_is_refused(spec: str, message: str) -> None:
    with pytest.raises(PredictionsError, match=message):
        METRICS.call(spec, np.eye(3), np.arange(3))


def test_arguments_are_checked() -> None:
    with pytest.raises(SpecError, match="average = 'samples' is refused"):
        METRICS.check("f1(average='samples')")
    with pytest.raises(SpecError, match="k = 0 is refused"):
        METRICS.check("top_k_accuracy(k=0)")
    with pytest.raises(SpecError, match="no argument 'weights'; did you mean 'weighting'"):
        METRICS.check("cohen_kappa(weights='quadratic')")
