"""Answers that a row of choices has not: their probability is exactly zero, and they change nothing."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, combine, fit
from lrensemble.metrics import METRICS, predicted_classes, row_values, serving
from lrensemble.metrics.diversity import DIVERSITY, all_teams

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

MEMBERS, ROWS, ANSWERS, PADS = 3, 41, 5, 2
CONSENSUS_OF_CHOICES = (*serving(CONSENSUS, "choices"), "tempered(when='before')", "tempered(consensus='product')")


@pytest.fixture
def choices() -> tuple[Floats, Labels]:
    """Probabilities [member, sample, answer] and labels, two to five answers a row."""
    generator = np.random.default_rng(0)
    sizes = generator.integers(2, ANSWERS + 1, size=ROWS)
    shares = generator.gamma(0.7, size=(MEMBERS, ROWS, ANSWERS)) * (np.arange(ANSWERS) < sizes[:, None])
    return shares / shares.sum(axis=2, keepdims=True), generator.integers(sizes)


def padded(probs: Floats) -> Floats:
    return np.concatenate([probs, np.zeros((*probs.shape[:-1], PADS))], axis=-1)


@pytest.mark.parametrize("spec", CONSENSUS_OF_CHOICES)
def test_they_stay_at_zero(spec: str, choices: tuple[Floats, Labels]) -> None:
    probs, labels = choices
    missing = (probs == 0).all(axis=0)
    fitted = fit(spec, probs, labels)
    assert missing.any()
    for weights in (None, [0.5, 0.0, 2.0]):
        out = combine(fitted, probs, weights)
        assert (out[missing] == 0).all()
        np.testing.assert_allclose(out.sum(axis=1), 1)
        single = combine(fitted, torch.from_numpy(probs).float(), weights)
        assert (single.numpy()[missing] == 0).all()


@pytest.mark.parametrize("temperature", [0.05, 20.0])
@pytest.mark.parametrize("when", ["before", "after"])
def test_the_hottest_temperature_gives_them_nothing(
    when: str, temperature: float, choices: tuple[Floats, Labels]
) -> None:
    probs = torch.from_numpy(choices[0]).float()
    out = combine({"name": "tempered", "when": when, "temperature": temperature}, probs).numpy()
    assert (out[(choices[0] == 0).all(axis=0)] == 0).all()


@pytest.mark.parametrize("spec", CONSENSUS_OF_CHOICES)
def test_more_of_them_change_nothing(spec: str, choices: tuple[Floats, Labels]) -> None:
    """Neither what is learned nor what comes out."""
    probs, labels = choices
    plain, other = fit(spec, probs, labels), fit(spec, padded(probs), labels)
    found = combine(other, padded(probs))
    np.testing.assert_allclose(found[:, :ANSWERS], combine(plain, probs), rtol=1e-9, atol=1e-12)
    assert (found[:, ANSWERS:] == 0).all()


@pytest.mark.parametrize("name", serving(METRICS, "choices"))
def test_they_count_in_no_metric(name: str, choices: tuple[Floats, Labels]) -> None:
    probs, labels = choices
    weights = np.random.default_rng(1).random(ROWS)
    for spec in (METRICS.example(name), METRICS.check(name)):
        found = METRICS.call(spec, padded(probs[0]), labels, weights)
        assert found == pytest.approx(METRICS.call(spec, probs[0], labels, weights), rel=1e-12)
        per_row, expected = row_values(spec, padded(probs[0]), labels), row_values(spec, probs[0], labels)
        if per_row is not None and expected is not None:
            np.testing.assert_allclose(per_row, expected, rtol=1e-12)


@pytest.mark.parametrize("measure", serving(DIVERSITY, "choices"))
def test_they_count_in_no_measure_of_diversity(measure: str, choices: tuple[Floats, Labels]) -> None:
    probs, labels = choices
    np.testing.assert_allclose(all_teams(measure, padded(probs), labels), all_teams(measure, probs, labels), rtol=1e-12)


def test_they_are_never_picked() -> None:
    """Not where all answers have the same, and not where none has anything."""
    even = np.array([[0.5, 0.5, 0, 0], [1 / 3, 1 / 3, 1 / 3, 0], [0, 0, 0, 0], [0, 1e-300, 0, 0]])
    assert predicted_classes(even).tolist() == [0, 0, 0, 1]
    assert row_values("top_k_accuracy(k=2)", even, np.array([1, 1, 1, 1])) == pytest.approx(np.ones(4))
    assert row_values("top_k_accuracy(k=2)", even, np.array([0, 2, 2, 2])) == pytest.approx([1, 0, 0, 0])


def test_what_is_of_classes_alone() -> None:
    """The first answer of one row has nothing in common with the first of the next."""
    assert serving(METRICS, "choices") == [
        *("accuracy", "top_k_accuracy", "nll", "brier", "mc2", "ece", "aurc", "accuracy_at_coverage")
    ]
    alone = [name for name in CONSENSUS if CONSENSUS.facts(name).targets == ("classes",)]
    assert sorted(alone) == ["borda", "mlp", "stacking", "thresholds"]
    of_classes = [name for name in DIVERSITY if DIVERSITY.facts(name).targets == ("classes",)]
    assert sorted(of_classes) == ["cohen_kappa", "fleiss_kappa"]
