"""Small pools on which classes tie all the time, and a slow loop over every team."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.numerics import TIE
from lrensemble.select import Validation, team_score

MakeValidation = Callable[..., Validation]
ScoreAll = Callable[..., NDArray[np.float64]]


def _validation(
    seed: int, members: int, rows: int, classes: int, *, kind: str = "smooth", dtype: type = np.float32
) -> Validation:
    """`smooth`: no ties; `coarse`: few distinct probabilities; `labels`: only zeros and ones; `mixed`: some of each;
    `sharp`: nearly certain, down to probabilities that underflow; `tied`: classes that tie with some and not with
    others, or stand on the very border."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(classes, size=rows)
    smooth = generator.dirichlet(np.ones(classes), size=(members, rows))
    smooth[:, np.arange(rows), labels] += generator.uniform(0, 1, size=(members, rows))
    counts = generator.integers(1, 4, size=(members, rows, classes)).astype(np.float64)
    votes = np.eye(classes)[generator.integers(classes, size=(members, rows))]
    logits = generator.normal(size=(members, rows, classes)) * generator.choice([1, 40, 400], size=(1, rows, 1))
    sharp = np.exp(logits - logits.max(axis=2, keepdims=True))
    tied = generator.choice([1, 2], size=(rows, classes)) * (
        1 - TIE * generator.choice([0.0, 0.6, 0.7, 1.0, 1.3, 5.0], size=(members, rows, classes))
    )
    mixed = np.where(generator.random((members, 1, 1)) < 0.5, votes, counts)
    values = {"smooth": smooth, "coarse": counts, "labels": votes, "mixed": mixed, "sharp": sharp, "tied": tied}[kind]
    with np.errstate(divide="ignore"):
        return Validation(np.log(values / values.sum(axis=2, keepdims=True)).astype(dtype), labels)


def _score_all(validation: Validation, metric: str, consensus: str) -> NDArray[np.float64]:
    """[2^members] the definition's score of every team, at its mask; NaN for the empty one."""
    scores = [np.nan]
    for mask in range(1, 1 << validation.members):
        team = [member for member in range(validation.members) if mask >> member & 1]
        scores.append(team_score(validation, team, metric=metric, consensus=consensus))
    return np.array(scores)


@pytest.fixture
def make_validation() -> MakeValidation:
    return _validation


@pytest.fixture
def score_all() -> ScoreAll:
    return _score_all
