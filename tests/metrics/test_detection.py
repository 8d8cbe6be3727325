"""Detection of foreign rows: values of torch-uncertainty and torchmetrics on the same arrays, and by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.metrics.detection import detection_auroc, entropy, fpr_at_recall, mutual_information

Floats = NDArray[np.float64]


def test_they_are_those_of_torch_uncertainty(said: tuple[Floats, NDArray[np.int64]]) -> None:
    """FPR95(pos_label=1) and MutualInformation of torch-uncertainty 0.13.0; binary_auroc of torchmetrics."""
    generator = np.random.default_rng(5)
    probs = generator.dirichlet(np.full(4, 0.6), size=60)
    np.testing.assert_array_equal(probs, said[0])
    for row in probs:
        generator.choice(4, p=row)
    other = generator.dirichlet(np.full(4, 2.0), size=45)
    known, foreign = entropy(probs), entropy(other)
    assert fpr_at_recall(known, foreign) == pytest.approx(0.45)
    assert detection_auroc(known, foreign) == pytest.approx(0.87962963)
    three = generator.dirichlet(np.full(4, 0.6), size=(5, 3))  # [sample, member, class]
    expected = [0.2534, 0.2161, 0.3179, 0.2729, 0.3355]
    np.testing.assert_allclose(mutual_information(three.transpose(1, 0, 2)), expected, atol=6e-5)


def test_values_by_hand() -> None:
    assert entropy(np.array([[0.5, 0.5], [1.0, 0.0]])) == pytest.approx([np.log(2), 0])
    opposed = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    assert mutual_information(opposed) == pytest.approx([np.log(2)])
    assert mutual_information(opposed, np.array([1.0, 0.0])) == pytest.approx([0])
    assert mutual_information(opposed[:1]) == pytest.approx([0])
    known, foreign = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.3, 0.5, 0.6])
    assert detection_auroc(known, foreign) == pytest.approx((2.5 + 4 + 4) / 12)
    assert fpr_at_recall(known, foreign) == 0.5, "rows at the threshold are called foreign"
    assert fpr_at_recall(known, foreign, recall=0.5) == 0
    assert detection_auroc(known, known) == 0.5
