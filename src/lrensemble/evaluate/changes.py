"""Differences between a team and the best single model on test, class by class and row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrensemble.numerics import likeliest


@dataclass(frozen=True, eq=False)
class Changes:
    """Predictions of a team and of one model on the test rows."""

    labels: NDArray[np.int64]
    """True classes [sample]."""
    before: NDArray[np.int64]
    """Classes [sample] that the model predicts."""
    after: NDArray[np.int64]
    """Classes [sample] that the team predicts."""
    gained: NDArray[np.float64]
    """Probability of the true class under the team minus that under the model [sample]."""

    def by_class(self, classes: int) -> NDArray[np.float64]:
        """Table [class, 3]: number of rows, accuracy of the model and of the team; NaN where a class has no rows."""
        counts = np.bincount(self.labels, minlength=classes).astype(np.float64)
        right = [
            np.bincount(self.labels, weights=predicted == self.labels, minlength=classes)
            for predicted in (self.before, self.after)
        ]
        shares = [np.divide(one, counts, out=np.full(classes, np.nan), where=counts > 0) for one in right]
        return np.stack([counts, *shares], axis=1)


def class_and_probability(probs: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """The class that is predicted, and the probability of the true one: [sample, 2], all that `changes` needs."""
    return np.stack([likeliest(probs), probs[np.arange(len(labels)), labels]], axis=1)


def changes(labels: NDArray[np.int64], single: NDArray[np.float64], team: NDArray[np.float64]) -> Changes:
    """Changes from a model to a team, by `class_and_probability` [sample, 2] of each."""
    before, after = (said[:, 0].astype(np.int64) for said in (single, team))
    return Changes(labels, before, after, team[:, 1] - single[:, 1])
