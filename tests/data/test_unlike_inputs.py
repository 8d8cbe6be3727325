"""Inputs that cannot be the same features: of the same rows little is needed to tell, of two draws of rows more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.config import DataSettings, Inputs, SplitSettings
from lrensemble.data import load
from lrensemble.data.seen import are_unlike, seen_of
from lrensemble.spec import Spec

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5)) * [1, 4, 6, 8, 10]


def inputs(given: NDArray[Any], *, of_training: bool = False) -> Inputs:
    """Inputs as an adopted model has them, or as one that was trained here."""
    mean, std = given.mean(axis=0, dtype=np.float64), given.std(axis=0, dtype=np.float64)
    raw = Inputs(
        shape=given.shape[1:],
        dtype="float32",
        mean=(0.0,) * given.shape[1],
        std=(1.0,) * given.shape[1],
        seen=seen_of(given, np.arange(len(given)), mean, std),
    )
    return raw.model_copy(update={"mean": tuple(mean.tolist()), "std": tuple(std.tolist())}) if of_training else raw


@pytest.mark.parametrize(
    ("other", "unlike"),
    [
        (X, False),
        (X.astype(np.float32), False),
        (X[::2], False),
        ((X - X.mean(axis=0)) / X.std(axis=0), True),
        (X * 10 + 1, True),
        (X / 255, True),
        (X * [1, 1, 1, 255, 255], False),
    ],
)
def test_of_the_same_rows(other: NDArray[Any], unlike: bool) -> None:
    assert are_unlike(inputs(X), inputs(other)) is unlike
    assert are_unlike(inputs(other), inputs(X)) is unlike


def test_one_number_in_two_types_is_one() -> None:
    assert not are_unlike(inputs(np.full((3, 4), 0.1)), inputs(np.full((3, 4), 0.1, dtype=np.float32)))
    assert are_unlike(inputs(np.full((3, 4), 0.1)), inputs(np.full((3, 4), 0.101)))


def test_a_trend_between_training_and_validation_rows_makes_no_others() -> None:
    trend = X + np.arange(60)[:, None] * 2
    early, late = trend[:30], trend[30:]
    assert are_unlike(inputs(early), inputs(late)), "were they of the same rows"
    assert not are_unlike(inputs(early, of_training=True), inputs(late))
    assert not are_unlike(inputs(late), inputs(early, of_training=True))
    assert are_unlike(inputs(early, of_training=True), inputs(late / 255))


@pytest.mark.parametrize("name", ["digits", "diabetes"])
def test_a_data_set_normalises_by_what_it_says_of_its_training_rows(name: str) -> None:
    known = load(DataSettings(source=Spec(name)), SplitSettings()).inputs_of_members
    assert known.seen is not None
    assert known.mean == known.seen.mean
