"""Confusion matrices of many teams at once, for metrics that depend on nothing else: balanced accuracy, F1, MCC, kappa.

Settled rows are counted once. In the others a team's predicted class is found from weighted sums over its members, for
many teams side by side; sums closer than rounding or a rule for ties could bridge are decided as the definition does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, combine
from lrensemble.metrics import METRICS, higher_is_better, predicted_classes
from lrensemble.select.scoring.kernels.candidates import Candidates, candidates
from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span
from lrensemble.select.scoring.kernels.subsets import Halves
from lrensemble.select.validation import Validation
from lrensemble.spec import Spec

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

TEAMS = 256
"""Teams that are counted together."""

SLICE = 64
"""Teams that one core takes at a time."""

CELLS = 2**22
"""Cells of confusion matrices that are measured together."""


@dataclass(frozen=True, eq=False)
class ConfusionCounter:
    """Scores teams by a metric of the confusion matrix, over rows that count by their weights."""

    validation: Validation
    consensus: Spec
    measure: Callable[[Floats], Floats]
    """From confusion matrices [team, label, predicted class] to scores [team], higher is better."""
    found: Candidates
    weights: Floats
    """[contested row] how often each counts."""
    settled: Floats
    """[label · class] the confusion matrix of the settled rows, flat."""

    def over(self, weights: Floats) -> ConfusionCounter:
        """The same over rows that count by weights [sample]."""
        return replace(self, weights=weights[self.found.row], settled=self.found.settled_counts(weights))

    def scores(self, sums: Floats, common: Floats, teams: Floats) -> Floats:
        """[team] scores of some teams.

        Args:
            sums: [entry, team] weighted sums of the members' values, without what is in `common`.
            common: [entry] to add to the sums of every team.
            teams: [team, member] weights, not normalised.
        """
        parts = [slice(start, start + TEAMS) for start in range(0, len(teams), TEAMS)]
        scores = [self._scores(np.ascontiguousarray(sums[:, part]), common, teams[part]) for part in parts]
        return np.concatenate(scores) if scores else np.zeros(0)

    def _scores(self, sums: Floats, common: Floats, teams: Floats) -> Floats:
        cells, place = self.found.cells
        counts = np.zeros((len(cells), len(teams)))
        close = np.zeros((len(self.found.row), len(teams)), dtype=bool)
        near = self.found.near * teams.sum(axis=1)
        given = sums, common, near, self.found.first, place, self.weights, counts, close
        if len(teams) <= SLICE:
            _count(*given, 0)
        else:
            _count_on_all_cores(*given)
        rows, undecided = np.nonzero(close)
        decided = self._by_definition(rows, undecided, teams)
        extra = self.found.labels[self.found.row[rows]] * self.found.classes + decided
        step = max(1, CELLS // len(self.settled))
        scores = np.empty(len(teams))
        for start in range(0, len(teams), step):
            matrices = np.repeat(self.settled[None], len(scores[start : start + step]), axis=0)
            matrices[:, cells] += counts[:, start : start + step].T
            inside = (undecided >= start) & (undecided < start + step)
            np.add.at(matrices, (undecided[inside] - start, extra[inside]), self.weights[rows[inside]])
            square = matrices.reshape(-1, self.found.classes, self.found.classes)
            scores[start : start + step] = self.measure(square)
        return scores

    def _by_definition(self, rows: Indices, teams_of_rows: Indices, teams: Floats) -> Indices:
        """[pair] the class that a team predicts in a contested row, as the consensus and the metric decide it."""
        if CONSENSUS.facts(self.consensus).linear:
            return self._by_adding(rows, teams_of_rows, teams)
        decided = np.zeros(len(rows), dtype=np.int64)
        for team in np.unique(teams_of_rows).tolist():
            pairs, members = np.flatnonzero(teams_of_rows == team), np.flatnonzero(teams[team])
            if len(members):
                probs = self.validation.predictions_of(members.tolist(), self.found.row[rows[pairs]])
                decided[pairs] = predicted_classes(combine(self.consensus, probs, teams[team][members]))
        return decided

    def _by_adding(self, rows: Indices, teams_of_rows: Indices, teams: Floats) -> Indices:
        """The weighted mean as the consensus adds it; classes that cannot win have nothing, and do not win here."""
        shares = np.zeros(teams.shape)
        for team in np.unique(teams_of_rows).tolist():  # one by one: a sum of other weights may round in another way
            members = np.flatnonzero(teams[team])
            shares[team, members] = teams[team][members] / teams[team][members].sum()
        means = np.zeros((len(rows), int(np.diff(self.found.first).max(initial=1))))
        _add(self.found.values, self.found.first, rows, teams_of_rows, shares, means)
        return np.asarray(self.found.class_of_entry[self.found.first[rows] + predicted_classes(means)])


def confusion_counter(validation: Validation, metric: Spec, consensus: Spec) -> ConfusionCounter | None:
    """What scores teams over all rows; None unless the metric is of the confusion matrix and the consensus averages.

    Args:
        validation: rows, counted by their weights.
        metric: checked.
        consensus: checked.
    """
    of_confusion, averages = METRICS.facts(metric).of_confusion, CONSENSUS.facts(consensus).averages
    if of_confusion is None or averages is None or consensus.arguments:
        return None
    sign, measured = 1.0 if higher_is_better(metric) else -1.0, partial(of_confusion, **metric.arguments)
    found, none = validation.once("candidates", averages, lambda: candidates(validation, averages)), np.zeros(0)
    whole = ConfusionCounter(validation, consensus, lambda matrices: sign * measured(matrices), found, none, none)
    return whole.over(validation.row_weights)


@dataclass(frozen=True, eq=False)
class ConfusionTeam:
    """A growing team scored by a metric of the confusion matrix."""

    counter: ConfusionCounter
    counts: Floats
    """[member] how often each is in the team."""
    sums: Floats
    """[entry] the team's values, summed."""

    def scores(self, candidates: NDArray[np.int64]) -> Floats:
        """[candidate] the score of the team with each candidate added."""
        teams = self.counts + np.eye(len(self.counts))[candidates]
        return self.counter.scores(self.counter.found.values[:, candidates], self.sums, teams)

    def added(self, member: int) -> ConfusionTeam:
        """The team with one member more."""
        more = self.counts.copy()
        more[member] += 1
        return ConfusionTeam(self.counter, more, self.sums + self.counter.found.values[:, member])


def confusion_team(counter: ConfusionCounter) -> ConfusionTeam:
    """The empty team."""
    entries, members = counter.found.values.shape
    return ConfusionTeam(counter, np.zeros(members), np.zeros(entries))


def weighted_scores(counter: ConfusionCounter, weights: Floats) -> Floats:
    """[team] scores of teams with weights [team, member], each row with a positive sum."""
    values, none = counter.found.values, np.zeros(len(counter.found.values))
    parts = [weights[start : start + TEAMS] for start in range(0, len(weights), TEAMS)]
    return np.concatenate([counter.scores(values @ part.T, none, part) for part in parts])


def block_scores(counter: ConfusionCounter, halves: Halves) -> Floats:
    """[2^bits] scores of a block of teams with equal weights; that of the empty team means nothing."""
    values = counter.found.values
    low = min(halves.bits, TEAMS.bit_length() - 1)
    subsets = (np.arange(1 << low)[:, None] >> np.arange(low) & 1).astype(np.float64)
    low_sums = values[:, :low] @ subsets.T
    teams, scores = np.zeros((1 << low, values.shape[1])), []
    teams[:, :low] = subsets
    for upper in range(1 << (halves.bits - low)):
        mask = halves.top << (halves.bits - low) | upper
        teams[:, low:] = [mask >> member & 1 for member in range(values.shape[1] - low)]
        scores.append(counter.scores(low_sums, values[:, low:] @ teams[0, low:], teams))
    return np.concatenate(scores)


@compiled_parallel
def _count_on_all_cores(
    sums: Floats,
    common: Floats,
    near: Floats,
    first: Indices,
    place: Indices,
    weights: Floats,
    counts: Floats,
    close: NDArray[np.bool_],
) -> None:
    """As `_count`, for all teams."""
    for part in span((near.size + SLICE - 1) // SLICE):
        _count(sums, common, near, first, place, weights, counts, close, part * SLICE)


@compiled
def _count(
    sums: Floats,
    common: Floats,
    near: Floats,
    first: Indices,
    place: Indices,
    weights: Floats,
    counts: Floats,
    close: NDArray[np.bool_],
    start: int,
) -> None:
    """Add the weights of rows to `counts` [cell, team] at the winner's cell, for `SLICE` teams from `start` on.

    Rows in which two classes are too near are not counted, and marked in `close` [row, team].
    """
    teams = min(SLICE, near.size - start)
    best, runner_up, winner = np.empty(teams), np.empty(teams), np.empty(teams, dtype=np.int64)
    for row in range(first.size - 1):
        if weights[row] == 0:
            continue
        best[:], runner_up[:], winner[:] = -np.inf, -np.inf, 0
        for entry in range(first[row], first[row + 1]):
            own, more, cell = sums[entry, start : start + teams], common[entry], place[entry]
            for team in range(teams):  # without a branch, so that several teams are compared by one instruction
                value, before, second = own[team] + more, best[team], runner_up[team]
                ahead = value > before
                lower = before if ahead else value
                runner_up[team] = lower if lower > second else second
                winner[team] = cell if ahead else winner[team]
                best[team] = value if ahead else before
        for team in range(teams):
            if best[team] - runner_up[team] > near[start + team]:
                counts[winner[team], start + team] += weights[row]
            else:
                close[row, start + team] = True


@compiled
def _add(values: Floats, first: Indices, rows: Indices, teams_of_rows: Indices, shares: Floats, means: Floats) -> None:
    """Fill `means` [pair, place in the row] with weighted means, each member times its share, in the members' order."""
    for pair in range(rows.size):
        start = first[rows[pair]]
        for entry in range(start, first[rows[pair] + 1]):
            total = 0.0
            for member in range(shares.shape[1]):
                total += values[entry, member] * shares[teams_of_rows[pair], member]
            means[pair, entry - start] = total
