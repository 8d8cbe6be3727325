"""Scores of predictions as they are: arrays, tensors, frames and lists, checked before they are measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import lrensemble
from lrensemble.errors import LREnsembleError
from lrensemble.spec import to_spec

PROBS = [[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]]
LABELS = [0, 1, 1]
NLL = (np.log(0.75) + np.log(0.5) + np.log(0.875)) / 3


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
def test_by_hand(kind: Any) -> None:
    assert lrensemble.score("nll", kind(PROBS), kind(LABELS)) == pytest.approx(NLL, abs=1e-7)
    assert lrensemble.score("accuracy", kind(PROBS), kind(LABELS), kind([1.0, 2.0, 1.0])) == 0.5


def test_values_may_be_of_one_output() -> None:
    assert lrensemble.score("mse", [1.0, 2.0], [1.0, 4.0]) == -2.0
    assert lrensemble.score("mse", [[1.0], [2.0]], [1, 4]) == -2.0
    assert lrensemble.score("gaussian_nll", [[0.0, 1.0]], [0.0]) == pytest.approx(-np.log(2 * np.pi) / 2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((PROBS, np.array(LABELS)[:, None]), "labels have shape (3, 1)"),  # numpy would compare every row with every
        ((PROBS, [0, 1, 2]), "label 2 in row 2 is outside the classes"),
        ((PROBS, [0, 1, -1]), "label -1 in row 2 is outside the classes"),
        ((PROBS, ["a", "b", "b"]), "labels are <U1; give class indices"),
        ((PROBS, [0, 1]), "labels have shape (2,); the predictions have 3 rows"),
        (([[2.0, -1.0]], [0]), "predictions: row 0 holds a negative probability"),
        (([[np.nan, 1.0]], [0]), "predictions: row 0 holds NaN"),
        (([0.5, 0.5], [0, 1]), "give [sample, class] probabilities"),
        ((np.ma.masked_array(PROBS, np.array(PROBS) > 0.8), LABELS), "predictions: some values are masked"),
        ((PROBS, LABELS, [1.0, 1.0]), "weights are float64 of shape (2,)"),
    ],
)
def test_what_cannot_be_measured_is_refused(given: tuple[Any, ...], message: str) -> None:
    with pytest.raises(LREnsembleError) as caught:
        lrensemble.score("accuracy", *given)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("predictions", "truth", "message"),
    [
        ([1.0, np.nan], [1.0, 2.0], "predictions hold what is no finite number"),
        ([1.0, 2.0], [1.0], "predictions have shape (2, 1) and the truth (1, 1)"),
        ([[1.0, 2.0, 3.0]], [1.0], "predictions have shape (1, 3) and the truth (1, 1)"),
    ],
)
def test_values_that_cannot_be_compared_are_refused(predictions: Any, truth: Any, message: str) -> None:
    with pytest.raises(LREnsembleError) as caught:
        lrensemble.score("rmse", predictions, truth)
    assert message in str(caught.value)


def test_predictions_are_combined_as_they_are() -> None:
    np.testing.assert_allclose(lrensemble.combine("mean", [PROBS, PROBS], [1, 3]), PROBS)
    with pytest.raises(LREnsembleError, match="predictions: some values are masked"):
        lrensemble.combine("mean", np.ma.masked_array([PROBS], np.array([PROBS]) > 0.8))
    with pytest.raises(LREnsembleError, match="predictions of members differ in shape"):
        lrensemble.combine("mean", [PROBS, PROBS[:1]])


def test_numbers_of_numpy_are_arguments_of_names() -> None:
    given = {"name": "warmup", "steps": np.int64(3), "start": np.float32(0.5), "policy": "cosine(peak=0.1)"}
    assert str(to_spec(given)) == "warmup(steps=3, start=0.5, policy='cosine(peak=0.1)')"
    assert to_spec({"name": "a", "x": np.array([0.25, 0.5])}).arguments == {"x": (0.25, 0.5)}
    with pytest.raises(LREnsembleError, match="cannot be an argument: allowed are numbers"):
        to_spec({"name": "a", "x": np.longdouble(0.5)})
