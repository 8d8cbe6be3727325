"""A team that grows by one member at a time, and its score with each candidate added: what greedy searches ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS
from lrensemble.metrics import METRICS
from lrensemble.select.base import Validation
from lrensemble.select.kernels.columns import contested_columns
from lrensemble.select.kernels.confusion import confusion_counter, start_confusion
from lrensemble.select.kernels.growth_accuracy import column_limits, start_accuracy
from lrensemble.select.kernels.growth_nll import start_nll
from lrensemble.select.kernels.statistics import error_grams, of_labels
from lrensemble.select.scoring import Scorer, team_scorer
from lrensemble.spec import Spec, SpecLike

Floats = NDArray[np.float64]
Rows = NDArray[np.int64] | None
"""[row] the rows to score on, repeated where they count more than once; None for all of them."""


class Growth(Protocol):
    """A team in which members count once or more often."""

    def scores(self, candidates: NDArray[np.int64]) -> Floats:
        """[candidate] the score of the team with each candidate added, higher is better."""
        ...

    def added(self, member: int) -> Growth:
        """The team with one member more."""
        ...


def growth(validation: Validation, metric: SpecLike, consensus: SpecLike) -> Growth:
    """The empty team over all rows."""
    return next(growths(validation, metric, consensus, [None]))


def growths(validation: Validation, metric: SpecLike, consensus: SpecLike, samples: Sequence[Rows]) -> Iterator[Growth]:
    """The empty team over each sample of the rows; what all need of the predictions is read once."""
    metric, consensus = METRICS.check(metric), CONSENSUS.check(consensus)
    linear = consensus in (Spec("mean"), Spec("plurality"))
    if metric == Spec("accuracy") and linear:
        columns = contested_columns(validation, consensus.name)
        limits = column_limits(columns.truth, columns.rival, columns.row_of_column)
        return (start_accuracy(columns, limits, rows) for rows in samples)
    if metric == Spec("nll") and linear:
        of_label = of_labels(validation, consensus.name)
        return (start_nll(of_label if rows is None else of_label[:, rows]) for rows in samples)
    none = np.zeros(validation.members)
    if metric == Spec("brier") and linear:
        count = len(validation.labels)
        times = [np.ones(count) if rows is None else np.bincount(rows, minlength=count) for rows in samples]
        return (BrierGrowth(gram, none) for gram in error_grams(validation, consensus.name, np.array(times, float)))
    counter = confusion_counter(validation, metric, consensus)
    if counter is not None:
        count = len(validation.labels)
        repeats = [np.ones(count) if rows is None else np.bincount(rows, minlength=count) for rows in samples]
        return (start_confusion(counter, times.astype(np.float64)) for times in repeats)
    parts = (validation if rows is None else validation.rows(rows) for rows in samples)
    return (ScorerGrowth(team_scorer(part, metric, consensus), none) for part in parts)


@dataclass(frozen=True, eq=False)
class BrierGrowth:
    """Scored by the Brier score, a quadratic form of the members' error Gram matrix."""

    gram: Floats
    counts: Floats

    def scores(self, candidates: NDArray[np.int64]) -> Floats:
        """[candidate] the negative Brier score of the team with each candidate added."""
        with_team = self.gram @ self.counts
        totals = self.counts @ with_team + 2 * with_team + np.diag(self.gram)
        return np.asarray(-totals[candidates] / (self.counts.sum() + 1) ** 2)

    def added(self, member: int) -> BrierGrowth:
        """The team with one member more."""
        return BrierGrowth(self.gram, _one_more(self.counts, member))


@dataclass(frozen=True, eq=False)
class ScorerGrowth:
    """Scored team by team: for what has no kernel of its own."""

    scorer: Scorer
    counts: Floats

    def scores(self, candidates: NDArray[np.int64]) -> Floats:
        """[candidate] the score of the team with each candidate added."""
        return self.scorer(self.counts + np.eye(len(self.counts))[candidates])

    def added(self, member: int) -> ScorerGrowth:
        """The team with one member more."""
        return ScorerGrowth(self.scorer, _one_more(self.counts, member))


def _one_more(counts: Floats, member: int) -> Floats:
    more = counts.copy()
    more[member] += 1
    return more
