"""Metrics against scikit-learn, by hand, and at the edges."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as reference

from lrensemble.errors import PredictionsError, SpecError
from lrensemble.metrics import METRICS, accuracy, brier, ece, nll, score, serving, top_k_accuracy
from lrensemble.metrics.calibration import equal_width_bins
from lrensemble.metrics.scores import within_top_k
from lrensemble.numerics import TIE, least_tie
from lrensemble.targets import check_labels, check_probabilities

ROWS, CLASSES = 211, 7
LOSSES = ("cost", "nll", "brier", "ece")
GAINS = ("accuracy", "balanced_accuracy", "f1", "matthews_corrcoef", "top_k_accuracy", "roc_auc", "average_precision")


@pytest.fixture
def labels() -> NDArray[np.int64]:
    return np.random.default_rng(1).integers(CLASSES - 1, size=ROWS)  # the last class never occurs


@pytest.fixture
def probs(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    raw = np.random.default_rng(2).random((ROWS, CLASSES))
    raw[np.arange(ROWS), labels] += 0.5
    return np.asarray(raw / raw.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("name", serving(METRICS, "classes"))
def test_every_metric_runs_and_row_order_does_not_matter(
    name: str, probs: NDArray[np.float64], labels: NDArray[np.int64]
) -> None:
    value = METRICS.call(METRICS.example(name), probs, labels)
    order = np.random.default_rng(3).permutation(ROWS)
    assert np.isfinite(value)
    assert METRICS.call(name, probs[order], labels[order]) == pytest.approx(value, rel=1e-12)
    assert abs(score(name, probs, labels)) == abs(value)


@pytest.mark.parametrize("name", [*LOSSES, *GAINS])
def test_losses_are_turned(name: str, probs: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
    value = METRICS.call(METRICS.example(name), probs, labels)
    assert score(name, probs, labels) == (-value if name in LOSSES else value)


def test_agree_with_scikit_learn(probs: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
    classes = np.arange(CLASSES)
    assert accuracy(probs, labels) == reference.accuracy_score(labels, probs.argmax(axis=1))
    assert nll(probs, labels) == pytest.approx(reference.log_loss(labels, probs, labels=classes))
    assert top_k_accuracy(probs, labels) == reference.top_k_accuracy_score(labels, probs, k=5, labels=classes)
    expected = reference.brier_score_loss(labels, probs, labels=classes, scale_by_half=False)
    assert brier(probs, labels) == pytest.approx(expected)


def test_all_right_and_all_wrong() -> None:
    certain = np.eye(6)[[0, 1, 2]]
    right, wrong = np.array([0, 1, 2]), np.array([1, 2, 3])
    for name, best, worst in (("accuracy", 1, 0), ("nll", 0, 36.0437), ("brier", 0, 2), ("ece", 0, 1)):
        assert METRICS.call(name, certain, right) == pytest.approx(best, abs=1e-12)
        assert METRICS.call(name, certain, wrong) == pytest.approx(worst, rel=1e-5)


def test_ties_go_to_the_lowest_class() -> None:
    even = np.full((7, 7), 1 / 7)
    assert accuracy(even, np.arange(7)) == pytest.approx(1 / 7)
    assert top_k_accuracy(even, np.arange(7)) == pytest.approx(5 / 7)
    assert top_k_accuracy(np.full((3, 4), 0.25), np.array([0, 3, 2])) == 1.0


def test_calibration_by_hand() -> None:
    probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    labels = np.array([0, 1, 1, 1])
    # Two equal-width bins: all confidences lie in (0.5, 1]: accuracy 2/4, mean confidence 0.75.
    assert ece(probs, labels, bins=2) == pytest.approx(0.25)
    # Two bins of equal mass: {0.6, 0.7}: 1/2 against 0.65; {0.8, 0.9}: 1/2 against 0.85.
    assert ece(probs, labels, bins=2, binning="equal_mass") == pytest.approx(0.5 * 0.15 + 0.5 * 0.35)


def test_bins_of_confidence_are_closed_above() -> None:
    # (0, 0.5] holds both rows: accuracy 1/2, mean confidence 0.45. Of [0, 0.5) and [0.5, 1) it would be 0.5.
    probs, labels = np.array([[0.5, 0.3, 0.2], [0.3, 0.3, 0.4]]), np.array([1, 2])
    assert ece(probs, labels, bins=2) == pytest.approx(0.05)
    # 0.07 and 0.065 share the bin (0.06, 0.07] of 100: one right, one wrong, mean confidence 0.0675. In two bins it
    # would be (0.93 + 0.065) / 2.
    of_first = np.array([0.07, 0.065])[:, None]
    flat = np.concatenate([of_first, np.repeat((1 - of_first) / 20, 20, axis=1)], axis=1)
    assert ece(flat, np.array([0, 1]), bins=100) == pytest.approx(0.5 - 0.0675)


@pytest.mark.parametrize("bins", [1, 2, 3, 7, 10, 15, 49, 100, 1000])
def test_every_border_belongs_to_the_bin_below(bins: int) -> None:
    borders = np.array([number / bins for number in range(1, bins + 1)])
    np.testing.assert_array_equal(equal_width_bins(borders, bins), np.arange(bins))
    above = np.nextafter(borders[:-1], 1)
    np.testing.assert_array_equal(equal_width_bins(above, bins), np.arange(1, bins))
    assert equal_width_bins(np.array([1e-300, 0.07]), 100).tolist() == [0, 6]


def test_a_single_row_and_more_bins_than_rows() -> None:
    probs, labels = np.array([[0.25, 0.75]]), np.array([1])
    assert ece(probs, labels, bins=15, binning="equal_mass") == pytest.approx(0.25)
    assert nll(probs, labels) == pytest.approx(-np.log(0.75))


def test_options_are_checked() -> None:
    with pytest.raises(SpecError, match="bins = 0 is refused"):
        METRICS.check("ece(bins=0)")
    with pytest.raises(SpecError, match="did you mean 'accuracy'"):
        METRICS.check("acuracy")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, 1, 2, 3]), "label 3 in row 3 is outside the classes; with 3 classes, 0 to 2 are allowed"),
        (np.array([0, -1, 2, 1]), "label -1 in row 1 is outside"),
        (np.array([0, 1, 2]), "the predictions have 4 rows"),
        (np.array([0.0, 1.0, 2.0, 0.0]), "labels are float64; give class indices"),
    ],
)
def test_labels_are_checked(labels: NDArray[np.int64], message: str) -> None:
    with pytest.raises(PredictionsError, match=message):
        check_labels(labels, rows=4, classes=3)


@pytest.mark.parametrize(
    ("value", "message"),
    [(np.nan, "here: member 1, row 2 holds NaN"), (-0.1, "holds a negative"), (2.0, r"does not sum to one \(sum 2.5")],
)
def test_probabilities_are_checked(value: float, message: str) -> None:
    probs = np.full((2, 3, 4), 0.25)
    check_probabilities(probs, "here")
    probs[1, 2, 0] = value
    if value == 2.0:
        probs[1, 2, 1] = 0.0
    with pytest.raises(PredictionsError, match=message):
        check_probabilities(probs, "here")


def test_within_top_k_is_its_slow_definition_where_classes_tie() -> None:
    generator = np.random.default_rng(0)
    for k in (1, 2, 5):
        probs = generator.integers(1, 5, size=(300, 7)) / 7 * (1 + generator.integers(-3, 4, size=(300, 7)) * TIE / 2)
        labels = generator.integers(7, size=300)
        for row, label, found in zip(probs, labels, within_top_k(probs, labels, k=k), strict=True):
            of_label = row[label]
            ahead = [
                each
                for each in range(7)
                if least_tie(row[each]) > of_label or (row[each] >= least_tie(of_label) and each < label)
            ]
            assert found == (len(ahead) < k)
