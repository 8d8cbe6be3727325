"""Incremental teams: the score of a team with each candidate added, one addition after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, averaged, is_linear
from lrensemble.metrics import METRICS
from lrensemble.select.scoring.kernels.columns import contested_columns
from lrensemble.select.scoring.kernels.confusion import confusion_counter, confusion_team
from lrensemble.select.scoring.kernels.incremental_accuracy import accuracy_team
from lrensemble.select.scoring.kernels.incremental_nll import nll_team
from lrensemble.select.scoring.kernels.statistics import error_gram, of_labels
from lrensemble.select.scoring.team_scores import Scorer, team_scorer
from lrensemble.select.validation import Validation
from lrensemble.spec import Spec, SpecLike

Floats = NDArray[np.float64]


class IncrementalTeam(Protocol):
    """A team to which one member after another is added; a member can be added more than once."""

    def scores(self, candidates: NDArray[np.int64]) -> Floats:
        """[candidate] the score of the team with each candidate added, higher is better."""
        ...

    def added(self, member: int) -> IncrementalTeam:
        """The team with one member more."""
        ...


def incremental_team(validation: Validation, metric: SpecLike, consensus: SpecLike) -> IncrementalTeam:
    """The empty team; what views of the same rows need of the predictions is read once."""
    metric, consensus = METRICS.check(metric), CONSENSUS.check(consensus)
    if metric == Spec("accuracy") and is_linear(consensus):
        return accuracy_team(contested_columns(validation, consensus.name), validation.row_weights)
    if metric == Spec("nll") and is_linear(consensus):
        return nll_team(_of_labels_by_row(validation, consensus.name), validation.row_weights)
    none = np.zeros(validation.members)
    if METRICS.facts(metric).quadratic and is_linear(consensus):
        return QuadraticTeam(error_gram(validation, consensus.name), none)
    counter = confusion_counter(validation, metric, consensus)
    if counter is not None:
        return confusion_team(counter)
    return ScorerTeam(team_scorer(validation, metric, consensus), none)


def _of_labels_by_row(validation: Validation, consensus: str) -> Floats:
    """[sample, member] what each member gives the label; the same array for all views, not to be written to."""
    of_label = of_labels(validation, consensus)
    return validation.once("of_labels_by_row", averaged(consensus), lambda: np.ascontiguousarray(of_label.T))


@dataclass(frozen=True, eq=False)
class QuadraticTeam:
    """Scored by a quadratic form of the members' error Gram matrix: the Brier score, or the mean squared error."""

    gram: Floats
    counts: Floats

    def scores(self, candidates: NDArray[np.int64]) -> Floats:
        """[candidate] the negative loss of the team with each candidate added."""
        with_team = self.gram @ self.counts
        totals = self.counts @ with_team + 2 * with_team + np.diag(self.gram)
        return np.asarray(-totals[candidates] / (self.counts.sum() + 1) ** 2)

    def added(self, member: int) -> QuadraticTeam:
        """The team with one member more."""
        return QuadraticTeam(self.gram, _one_more(self.counts, member))


@dataclass(frozen=True, eq=False)
class ScorerTeam:
    """Scored team by team: for what has no kernel of its own."""

    scorer: Scorer
    counts: Floats

    def scores(self, candidates: NDArray[np.int64]) -> Floats:
        """[candidate] the score of the team with each candidate added."""
        return self.scorer(self.counts + np.eye(len(self.counts))[candidates])

    def added(self, member: int) -> ScorerTeam:
        """The team with one member more."""
        return ScorerTeam(self.scorer, _one_more(self.counts, member))


def _one_more(counts: Floats, member: int) -> Floats:
    more = counts.copy()
    more[member] += 1
    return more
