"""Every metric of classes by value: what is better is stated by how predictions were made, not asked from the code."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as reference

from lrensemble.metrics import METRICS, row_values, score, serving

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

ROWS = 601
CHOICES = (
    "accuracy",
    "balanced_accuracy",
    "f1",
    "f1(average='macro')",
    "f1(average='weighted')",
    "f1(average='micro')",
    "precision",
    "precision(average='weighted')",
    "recall",
    "recall(average='micro')",
    "matthews_corrcoef",
    "cohen_kappa",
    "cohen_kappa(weighting='linear')",
    "cohen_kappa(weighting='quadratic')",
    "cost",
    "roc_auc",
    "roc_auc(multi_class='ovo')",
    "roc_auc(multi_class='ovo', average='weighted')",
    "roc_auc(average='weighted')",
    "average_precision",
    "average_precision(average='macro')",
    "average_precision(average='weighted')",
    "average_precision(average='micro')",
    "top_k_accuracy(k=2)",
    "nll",
    "brier",
    "ece",
    "ece(binning='equal_mass')",
)
"""Metrics with every choice that they offer."""

SHIPPED = {METRICS.check(spec).name for spec in CHOICES}
SPECS = (*CHOICES, *(str(METRICS.example(name)) for name in serving(METRICS, "classes") if name not in SHIPPED))
"""And every other metric of classes by its example: the tests below hold for it, whoever wrote it."""

RANGES: dict[str, tuple[float, float]] = {
    "matthews_corrcoef": (-1, 1),
    "cohen_kappa": (-1, 1),
    "brier": (0, 2),
    "nll": (0, np.inf),
    "cost": (-np.inf, np.inf),
}
"""Ranges of the metrics above; those of all others there are 0 to 1."""


def labels_of(classes: int, seed: int = 0) -> Labels:
    """[sample] from a skewed distribution, every class at least once."""
    generator = np.random.default_rng(seed)
    share = np.arange(1.0, classes + 1) / np.arange(1.0, classes + 1).sum()
    return np.concatenate([np.arange(classes), generator.choice(classes, size=ROWS - classes, p=share)])


def saying(said: Labels, sureness: float, classes: int, seed: int = 1) -> Floats:
    """[sample, class] predictions that give the classes said so much, and the rest unequally to the others."""
    rest = np.random.default_rng(seed).dirichlet(np.full(classes, 50.0), size=len(said)) * (1 - sureness)
    rest[np.arange(len(said)), said] += sureness
    return rest


def better_to_worse(labels: Labels, classes: int) -> list[Floats]:
    """Perfect, decent (four rows of five right, and as sure as that), random, and always wrong and sure of it."""
    generator = np.random.default_rng(2)
    by_chance = generator.integers(classes, size=len(labels))
    decent = np.where(generator.random(len(labels)) < 0.8, labels, by_chance)
    wrong = (labels + 1) % classes
    return [
        np.eye(classes)[labels],
        saying(decent, 0.75, classes),
        saying(by_chance, 0.75, classes),
        saying(wrong, 0.95, classes),
    ]


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("spec", SPECS)
def test_better_predictions_score_better(spec: str, classes: int) -> None:
    if classes == 2 and "top_k" in spec:
        spec = "top_k_accuracy(k=1)"  # of two classes, any two hold the label
    labels = labels_of(classes)
    scores = [score(spec, probs, labels) for probs in better_to_worse(labels, classes)]
    perfect, decent, by_chance, wrong = scores
    assert perfect > decent > by_chance
    # Of three classes and more, a wrong answer next door is worse than a guess only where distance does not count.
    assert by_chance > wrong if classes == 2 or "weighting" not in spec else decent > wrong


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_values_stay_in_the_range_that_the_metric_states(spec: str, classes: int) -> None:
    name, facts = METRICS.check(spec).name, METRICS.facts(spec)
    lowest, highest = facts.lowest, facts.highest
    if name in SHIPPED:
        assert (lowest, highest) == RANGES.get(name, (0, 1))
    labels = labels_of(classes)
    for probs in better_to_worse(labels, classes):
        assert lowest <= METRICS.call(spec, probs, labels) <= highest


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("classes", [2, 4])
def test_weights_count_rows(spec: str, classes: int) -> None:
    generator = np.random.default_rng(3)
    labels = labels_of(classes)
    probs = generator.dirichlet(np.ones(classes), size=ROWS)
    times = generator.integers(0, 4, size=ROWS)
    index = np.repeat(np.arange(ROWS), times)
    weighted = METRICS.call(spec, probs, labels, times.astype(np.float64))
    assert weighted == pytest.approx(METRICS.call(spec, probs[index], labels[index]), rel=1e-12, abs=1e-12)
    if spec != "top_k_accuracy(k=2)" or classes > 2:  # of two classes, any two hold the label
        assert weighted != pytest.approx(METRICS.call(spec, probs, labels), rel=1e-9), "the weights matter here"
    assert METRICS.call(spec, probs, labels, np.full(ROWS, 0.5)) == pytest.approx(METRICS.call(spec, probs, labels))


@pytest.mark.parametrize("spec", SPECS)
def test_every_value_is_defined_where_classes_are_missing(spec: str) -> None:
    """One row, one class of labels, one class of predictions, one class at all, and weights that leave one class."""
    generator = np.random.default_rng(4)
    for rows, classes in ((1, 2), (1, 3), (7, 2), (7, 3), (5, 1)):
        probs = generator.dirichlet(np.ones(classes), size=rows)
        for label in range(classes):
            labels = np.full(rows, label)
            for said in (probs, np.full((rows, classes), 1 / classes), np.eye(classes)[np.full(rows, classes - 1)]):
                assert np.isfinite(METRICS.call(spec, said, labels))
    labels = np.array([0, 0, 1, 2, 2])
    only_first = np.array([1.0, 2.0, 0.0, 0.0, 0.0])
    assert np.isfinite(METRICS.call(spec, generator.dirichlet(np.ones(3), size=5), labels, only_first))


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("classes", [2, 4])
def test_other_ways_to_compute_it_give_the_same(spec: str, classes: int) -> None:
    generator = np.random.default_rng(5)
    labels, weights = labels_of(classes), generator.random(ROWS) + 0.1
    probs = generator.dirichlet(np.ones(classes), size=ROWS)
    facts, own = METRICS.facts(spec), METRICS.check(spec).arguments
    value = METRICS.call(spec, probs, labels, weights)
    per_row = row_values(spec, probs, labels)
    if per_row is not None:
        assert value == pytest.approx(per_row @ weights / weights.sum(), rel=1e-12)
    if facts.of_confusion is not None:
        matrix = reference.confusion_matrix(
            labels, probs.argmax(axis=1), sample_weight=weights, labels=np.arange(classes)
        )
        others = np.stack([[matrix + 1.0, matrix], [matrix.T, np.eye(classes)]])  # any number of axes before
        np.testing.assert_allclose(facts.of_confusion(others, **own)[0, 1], value, rtol=1e-12)
        assert facts.of_confusion(others, **own).shape == (2, 2)


@pytest.mark.parametrize("name", [name for name in METRICS if METRICS.facts(name).needs == "labels"])
def test_what_needs_labels_alone_reads_nothing_else(name: str) -> None:
    labels = labels_of(4)
    said = np.random.default_rng(6).integers(4, size=ROWS)
    assert score(name, saying(said, 0.9, 4), labels) == score(name, np.eye(4)[said], labels)


@pytest.mark.parametrize(
    "name", [name for name in METRICS if METRICS.facts(name).needs in ("likelihood", "probabilities")]
)
def test_what_needs_probabilities_reads_them(name: str) -> None:
    labels = labels_of(7)
    said = np.where(np.random.default_rng(7).random(ROWS) < 0.5, labels, 0)
    assert score(name, saying(said, 0.9, 7), labels) != score(name, np.eye(7)[said], labels)


def _of_classes(function: Callable[..., Any], **own: Any) -> Callable[..., float]:
    def measured(probs: Floats, labels: Labels, weights: Floats) -> float:
        return float(function(labels, probs.argmax(axis=1), sample_weight=weights, **own))

    return measured


def _of_probabilities(function: Callable[..., Any], **own: Any) -> Callable[..., float]:
    def measured(probs: Floats, labels: Labels, weights: Floats) -> float:
        said = probs[:, 1] if probs.shape[1] == 2 else probs
        return float(function(labels, said, sample_weight=weights, **own))

    return measured


AVERAGES = ("macro", "weighted", "micro")
SCIKIT_LEARN: dict[str, Callable[..., float]] = {
    "accuracy_score": _of_classes(reference.accuracy_score),
    "balanced_accuracy_score": _of_classes(reference.balanced_accuracy_score),
    "matthews_corrcoef": _of_classes(reference.matthews_corrcoef),
    "cohen_kappa_score": _of_classes(reference.cohen_kappa_score),
    "cohen_kappa(weighting='linear')": _of_classes(reference.cohen_kappa_score, weights="linear"),
    "cohen_kappa(weighting='quadratic')": _of_classes(reference.cohen_kappa_score, weights="quadratic"),
    "roc_auc_score": _of_probabilities(reference.roc_auc_score, multi_class="ovr"),
    "roc_auc(average='weighted')": _of_probabilities(reference.roc_auc_score, multi_class="ovr", average="weighted"),
    "average_precision(average='micro')": lambda probs, labels, weights: float(
        reference.average_precision_score(np.eye(probs.shape[1])[labels], probs, average="micro", sample_weight=weights)
    ),
    "log_loss": lambda probs, labels, weights: float(reference.log_loss(labels, probs, sample_weight=weights)),
    "brier_score_loss": lambda probs, labels, weights: float(
        reference.brier_score_loss(labels, probs, sample_weight=weights, scale_by_half=False)
    ),
    "top_k_accuracy_score(k=2)": lambda probs, labels, weights: float(
        reference.top_k_accuracy_score(
            labels,
            probs[:, 1] if probs.shape[1] == 2 else probs,
            k=2 if probs.shape[1] > 2 else 1,
            sample_weight=weights,
        )
        if probs.shape[1] > 2
        else 1.0
    ),
} | {
    f"{name}(average='{average}')": _of_classes(getattr(reference, f"{name}_score"), average=average, zero_division=0)
    for name in ("f1", "precision", "recall")
    for average in AVERAGES
}


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("spec", list(SCIKIT_LEARN))
def test_scikit_learn_gives_the_same(spec: str, classes: int) -> None:
    generator = np.random.default_rng(8)
    labels = labels_of(classes)
    for weights in (np.ones(ROWS), generator.random(ROWS)):
        for raw in (generator.random((ROWS, classes)), generator.random((ROWS, classes)) + 2 * np.eye(classes)[labels]):
            probs = raw / raw.sum(axis=1, keepdims=True)
            expected = SCIKIT_LEARN[spec](probs, labels, weights)
            assert METRICS.call(spec, probs, labels, weights) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_pairs_and_precisions_of_many_classes_agree_with_scikit_learn(average: str) -> None:
    labels = labels_of(5)
    probs = np.random.default_rng(9).dirichlet(np.ones(5), size=ROWS)
    pairs = reference.roc_auc_score(labels, probs, multi_class="ovo", average=average)
    assert METRICS.call({"name": "roc_auc", "multi_class": "ovo", "average": average}, probs, labels) == pytest.approx(
        float(pairs), rel=1e-12
    )
    precision = reference.average_precision_score(np.eye(5)[labels], probs, average=average)
    assert METRICS.call({"name": "average_precision", "average": average}, probs, labels) == pytest.approx(
        float(precision), rel=1e-12
    )
