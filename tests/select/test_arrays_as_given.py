"""Arrays of any kind are the same predictions, or are refused in a line; and so are seeds, costs and teams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from lrensemble.errors import LREnsembleError
from lrensemble.select import Validation, cross_fit, select, team_score

MEMBERS, ROWS, CLASSES = 3, 40, 4
LABELS = np.arange(ROWS) % CLASSES
PROBS = np.random.default_rng(0).dirichlet(np.ones(CLASSES), size=(MEMBERS, ROWS)) / 2
PROBS[:, np.arange(ROWS), LABELS] += 0.5
LOGS = np.log(PROBS)
FRACTION: Any = 1.5
TEXT: Any = "a"
SCORE = float(np.log(PROBS.mean(axis=0)[np.arange(ROWS), LABELS]).mean())
"""The score of all members by NLL, by its definition."""


def score_of(predictions: Any, truth: Any, **more: Any) -> float:
    return select(Validation(predictions, truth, **more), "all", metric="nll").score


@pytest.mark.parametrize(
    "made",
    [
        lambda given: given.astype(given.dtype.newbyteorder(">")),
        np.asfortranarray,
        lambda given: given.tolist(),
        lambda given: given.astype(object) if given.dtype.kind == "f" else given,
        lambda given: torch.tensor(given).requires_grad_() if given.dtype.kind == "f" else torch.tensor(given),
        lambda given: np.ma.masked_array(given, np.zeros(given.shape, bool)),
    ],
)
def test_arrays_of_every_kind_have_the_same_score(made: Callable[[Any], Any]) -> None:
    assert score_of(made(LOGS), made(LABELS)) == pytest.approx(SCORE, abs=1e-9)


def test_costs_may_be_an_array() -> None:
    assert Validation(LOGS, LABELS, cost=np.array([1, 2, 3])).cost == (1.0, 2.0, 3.0)  # type: ignore[arg-type]


def masked(given: Any) -> Any:
    """The array with the first of each last axis masked."""
    return np.ma.masked_array(given, np.indices(given.shape)[-1] == 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: score_of(masked(LOGS), LABELS), "predictions: some values are masked, and so are none"),
        (lambda: score_of(LOGS, masked(LABELS)), "truth: some values are masked"),
        (lambda: score_of(LOGS, LABELS, weights=masked(np.ones(ROWS))), "weights: some values are masked"),
        (lambda: score_of([LOGS[0], LOGS[1][:5]], LABELS), "predictions of members differ in shape"),
        (lambda: score_of(LOGS.astype(complex), LABELS), "predictions are complex128"),
        (lambda: score_of(np.full(LOGS.shape, "a", object), LABELS), "predictions hold what is no number"),
        (lambda: score_of(LOGS, LABELS, cost="abc"), "cost 'abc' is refused; give one number for each member"),
        (lambda: select(Validation(LOGS, LABELS), seed=-1), "seed = -1 is refused; give an integer from 0"),
        (lambda: select(Validation(LOGS, LABELS), seed=FRACTION), "seed = 1.5 is refused"),
        (lambda: cross_fit(Validation(LOGS, LABELS), "greedy", seed=TEXT), "seed = 'a' is refused"),
        (lambda: team_score(Validation(LOGS, LABELS), []), r"team [] is refused; give some of the members 0 to 2"),
        (lambda: team_score(Validation(LOGS, LABELS), [0, 3]), "team [0, 3] is refused"),
        (lambda: team_score(Validation(LOGS, LABELS), [-1]), "team [-1] is refused"),
    ],
)
def test_what_cannot_be_meant_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(LREnsembleError) as caught:
        call()
    assert message in str(caught.value)
