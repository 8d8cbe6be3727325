"""A team that grows by one member at a time, and its score with each candidate added: what greedy searches ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, is_linear
from lrensemble.metrics import METRICS
from lrensemble.select.base import Validation
from lrensemble.select.scoring.kernels.columns import contested_columns
from lrensemble.select.scoring.kernels.confusion import confusion_counter, start_confusion
from lrensemble.select.scoring.kernels.incremental_accuracy import start_accuracy
from lrensemble.select.scoring.kernels.incremental_nll import start_nll
from lrensemble.select.scoring.kernels.statistics import error_gram, of_labels
from lrensemble.select.scoring.team_scores import Scorer, team_scorer
from lrensemble.spec import Spec, SpecLike

Floats = NDArray[np.float64]


class Growth(Protocol):
    """A team in which members count once or more often."""

    def scores(self, candidates: NDArray[np.int64]) -> Floats:
        """[candidate] the score of the team with each candidate added, higher is better."""
        ...

    def added(self, member: int) -> Growth:
        """The team with one member more."""
        ...


def growth(validation: Validation, metric: SpecLike, consensus: SpecLike) -> Growth:
    """The empty team; what views of the same rows need of the predictions is read once."""
    metric, consensus = METRICS.check(metric), CONSENSUS.check(consensus)
    if metric == Spec("accuracy") and is_linear(consensus):
        return start_accuracy(contested_columns(validation, consensus.name), validation.row_weights)
    if metric == Spec("nll") and is_linear(consensus):
        rows = validation.counted
        return start_nll(of_labels(validation, consensus.name)[:, rows], validation.row_weights[rows])
    none = np.zeros(validation.members)
    if metric == Spec("brier") and is_linear(consensus):
        return BrierGrowth(error_gram(validation, consensus.name), none)
    counter = confusion_counter(validation, metric, consensus)
    if counter is not None:
        return start_confusion(counter)
    return ScorerGrowth(team_scorer(validation, metric, consensus), none)


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
