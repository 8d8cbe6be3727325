"""Offsets of the classes' log-probabilities that raise a metric of decisions, and their search.

Two families: along the prior, -t ln(frequency of the class), one number to learn, which at t = 1 is the best for the
balanced accuracy of honest probabilities (Menon et al. 2021, sec. 4); and free offsets, by coordinate ascent. For one
class the metric changes only where its offset passes a row's margin, so that all offsets that differ are tried by
sorting the margins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus.arrays import softmax
from lrensemble.metrics.confusion import confusion_matrix, confusions_of

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

TRIED_AT_ONCE = 256
"""Offsets of a class that are compared together; between the best and its neighbours the rest follow."""

SWEEPS = 10
"""Passes over the classes at most."""

MOST_CLASSES = 100
"""Number of classes above which only offsets along the prior are searched: free ones take O(classes^3) time."""

STRENGTHS = np.linspace(-0.5, 2.0, 51)
"""Strengths t of the offsets -t ln(frequency) that are tried."""

LEAST_GAIN = 1e-9
"""Gain below which a difference is rounding."""


@dataclass(frozen=True, eq=False)
class Decisions:
    """Rows that offsets are judged on."""

    logs: Floats
    """Log-probabilities [sample, class]."""
    labels: Labels
    """Class indices [sample]."""
    counts: Floats
    """Number of times [sample] that each row counts."""
    measure: Callable[[Floats], Floats]
    """Function of confusion matrices [..., label, predicted class] to scores [...], higher is better."""

    def of_rows(self, rows: NDArray[np.bool_]) -> Decisions:
        """Some of the rows [sample]."""
        return Decisions(self.logs[rows], self.labels[rows], self.counts[rows], self.measure)

    def score(self, offsets: Floats) -> float:
        """The metric, higher is better, with offsets [class] added."""
        return float(self.measure(confusion_matrix(softmax(self.logs + offsets), self.labels, self.counts)))

    @property
    def support(self) -> Floats:
        """Number of rows of each class [class]."""
        return np.bincount(self.labels, weights=self.counts, minlength=self.logs.shape[1]).astype(np.float64)


def along_the_prior(decisions: Decisions) -> Floats:
    """Best offsets [class] -t ln(frequency) over t; of equal ones those nearest to zero."""
    logs = np.log(decisions.support + 1)  # one row more for each class: none is impossible
    direction = logs.mean() - logs
    strengths = STRENGTHS[np.argsort(np.abs(STRENGTHS), kind="stable")]
    scores = np.array([decisions.score(strength * direction) for strength in strengths])
    return np.asarray(strengths[np.argmax(scores >= scores.max() - LEAST_GAIN)] * direction)


def ascended(decisions: Decisions, start: Floats, penalty: float) -> Floats:
    """Offsets [class] from `start` on, each class in turn moved to where the score less the penalty is highest.

    A class that moves by one nat must gain what `penalty` rows of it are worth: of few rows little is learned.
    """
    right = decisions.measure(np.diag(decisions.support))
    at_stake = max(float(right) - decisions.score(np.zeros(len(start))), 0.0)
    price = penalty * at_stake / (len(start) * (decisions.support + 1))  # of a class, for one squared nat
    offsets, best = start.copy(), decisions.score(start)
    for _ in range(SWEEPS):
        before = best
        for one in range(len(start)):
            rest = float(price @ (offsets - start) ** 2 - price[one] * (offsets[one] - start[one]) ** 2)
            values, scores = _tried(decisions, offsets, one, float(start[one]), float(price[one]))
            place = int(np.argmax(scores))
            if scores[place] - rest > best + LEAST_GAIN:
                offsets[one], best = values[place], float(scores[place] - rest)
        if best <= before + LEAST_GAIN:
            break
    return offsets


def _tried(decisions: Decisions, offsets: Floats, one: int, start: float, price: float) -> tuple[Floats, Floats]:
    """Values [offset] for one class, and their scores less the penalty for moving there."""
    others = decisions.logs + offsets
    others[:, one] = -np.inf
    rival = others.argmax(axis=1)  # of logarithms: the rule for ties is one of probabilities
    margins = others.max(axis=1) - decisions.logs[:, one]
    order = np.argsort(margins, kind="stable")
    rising = margins[order]
    edges = np.concatenate([[rising[0] - 1], rising, [rising[-1] + 1]])
    width = np.diff(edges)  # [position]: so many rows are won between two edges
    values = np.clip(start, edges[:-1] + width / 4, edges[1:] - width / 4)
    rivals, labels, counts = rival[order], decisions.labels[order], decisions.counts[order]

    def scores(positions: NDArray[np.int64]) -> Floats:
        matrices = _matrices(rivals, labels, counts, one, positions, len(offsets))
        found = decisions.measure(matrices) - price * (values[positions] - start) ** 2
        return np.where(width[positions] > 0, found, -np.inf)

    low, high = 0, len(rising)
    while high - low > TRIED_AT_ONCE:
        positions = np.unique(np.linspace(low, high, TRIED_AT_ONCE).astype(np.int64))
        best = int(np.argmax(scores(positions)))
        low, high = int(positions[max(best - 1, 0)]), int(positions[min(best + 1, len(positions) - 1)])
    positions = np.arange(low, high + 1)
    return values[positions], scores(positions)


def _matrices(
    rivals: Labels, labels: Labels, counts: Floats, one: int, positions: NDArray[np.int64], classes: int
) -> Floats:
    """Confusion matrices [position, label, predicted class] where the first rows, so many, are won by one class."""
    step = np.searchsorted(positions, np.arange(len(labels)), side="right")  # the first position at which a row is won
    size = (len(positions) + 1) * classes * classes
    moved = np.bincount((step * classes + labels) * classes + one, weights=counts, minlength=size)
    moved -= np.bincount((step * classes + labels) * classes + rivals, weights=counts, minlength=size)
    none_won = confusions_of(rivals, labels, classes, counts)
    changes = moved.reshape(-1, classes, classes)[: len(positions)].cumsum(axis=0)
    return np.asarray(none_won + changes)
