"""A cascade: members in order, each run only on the rows that those before it left undecided (Viola & Jones 2001).

Order and thresholds are found on `val`. A row is decided at the first stage whose highest mean probability reaches the
threshold of the stage; at the last stage all members have been run, and the team's own consensus decides.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lrensemble.errors import ExportError, PoolError
from lrensemble.export.description import Stages
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.stages import stage_consensus
from lrensemble.networks import Foreign
from lrensemble.numerics import SMALLEST_PROBABILITY, likeliest
from lrensemble.pool import Pool
from lrensemble.train.run.arithmetic.flops import forward_flops

THRESHOLDS = 64
"""Number of thresholds that are tried for each stage: quantiles of the confidence there."""

TIMED_ROWS, TIMED_CALLS = 128, 5
"""Rows of a call, and calls, by which members of other tools are timed."""

UNREACHABLE = 2.0
"""Threshold that no confidence reaches."""

PASSES = 5
"""Maximum number of passes of the coordinate search over the stages."""

DEFAULT_COST = 0.5
"""Maximum mean cost of a row as a fraction of the team's, where neither cost nor accuracy is given."""

ACCURACY_TOLERANCE = 0.001
"""Largest loss of accuracy (fraction) at which a cascade counts as reaching its team."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CascadeQuality:
    """Accuracy and cost of a cascade beside its team on a split."""

    accuracy: float
    team_accuracy: float
    """Accuracy of the whole team."""
    agreement: float
    """Fraction of the rows on which it predicts the class that the whole team predicts."""
    cost: float
    """Mean operations for a row, as a fraction of those of the whole team."""
    rows: int

    @property
    def reaches_team(self) -> bool:
        """Whether accuracy ≥ team accuracy − ACCURACY_TOLERANCE at cost ≤ DEFAULT_COST."""
        return self.accuracy >= self.team_accuracy - ACCURACY_TOLERANCE and self.cost <= DEFAULT_COST


@dataclass(frozen=True)
class Cascade:
    """A cascade and its quality on the rows that its thresholds were found on."""

    ensemble: Ensemble
    expected: CascadeQuality
    """Quality on `val`; optimistic, since the thresholds were found there."""


@dataclass(frozen=True, eq=False)
class _Table:
    """Predictions by stage and row, from which thresholds are chosen."""

    confidence: Floats
    """Highest probability [stage, sample] of the mean of the members run so far."""
    predicted: NDArray[np.int64]
    """Class [stage, sample] of that probability."""
    labels: NDArray[np.int64]
    """True classes [sample]."""
    cost: Floats
    """Cost [stage] of all members up to it, as a fraction of the team's."""

    def quality(self, thresholds: Floats) -> CascadeQuality:
        """Quality of the cascade with these thresholds [stage], one for each stage but the last."""
        stops = np.vstack([self.confidence[:-1] >= thresholds[:, None], np.ones((1, self.confidence.shape[1]), bool)])
        stage = stops.argmax(axis=0)
        predicted, team = self.predicted[stage, np.arange(len(stage))], self.predicted[-1]
        return CascadeQuality(
            accuracy=float((predicted == self.labels).mean()),
            team_accuracy=float((team == self.labels).mean()),
            agreement=float((predicted == team).mean()),
            cost=float(self.cost[stage].mean()),
            rows=len(stage),
        )


def cascade(ensemble: Ensemble, pool: Pool, *, accuracy: float | None = None, cost: float | None = None) -> Cascade:
    """The cheapest cascade of a minimum accuracy on `val`, or the one nearest its team at a maximum mean cost.

    Nearest means the highest min(accuracy, team accuracy), since a gain over the team is chance and would not hold on
    other rows; then the highest agreement with the team.

    Args:
        ensemble: ensemble of a team of the pool.
        pool: pool with the members' predictions on `val`.
        accuracy: minimum validation accuracy (fraction); optimistic near the team's own: the cheapest of thousands
            of thresholds that reach it on `val` is less accurate on other rows.
        cost: maximum cost as a fraction of the team's operations; `DEFAULT_COST` unless an accuracy is given.

    Raises:
        ExportError: one member, both limits at once, or a limit that no cascade of these members meets.
        PoolError: a member that the pool does not have.
    """
    if accuracy is not None and cost is not None:
        raise ExportError("a cascade aims at an accuracy or at a cost; give one of the two")
    if len(ensemble.members) < 2:
        raise ExportError("a cascade needs two members or more; export a larger team: --method all")
    fractions = _cost_fractions(ensemble)
    probs = _predictions(ensemble, pool, "val")
    labels = pool.truth("val")
    order = _order(ensemble, probs, labels)
    table = _table(ensemble, order, probs, labels, fractions)
    if accuracy is None and cost is None:
        cost = DEFAULT_COST
    thresholds = _best_thresholds(table, accuracy, cost)
    stages = Stages(order=tuple(order), thresholds=tuple(thresholds.tolist()))
    made = Ensemble(list(ensemble.members), ensemble.description.model_copy(update={"stages": stages}))
    return Cascade(made, table.quality(thresholds))


def measure(ensemble: Ensemble, pool: Pool, split: str = "test") -> CascadeQuality:
    """Quality of a cascade on rows that its thresholds were not found on; it reads the labels of the split.

    Raises:
        ExportError: the ensemble is no cascade.
        PoolError: no such split, or a member that the pool does not have.
    """
    stages = _stages(ensemble)
    probs, labels = _predictions(ensemble, pool, split), pool.truth(split)
    table = _table(ensemble, list(stages.order), probs, labels, _cost_fractions(ensemble))
    return table.quality(np.array(stages.thresholds))


def staged(ensemble: Ensemble, pool: Pool, split: str) -> tuple[Floats, NDArray[np.int64]]:
    """What a cascade says of a split, by what its members have said there.

    Returns:
        Probabilities [sample, class], and the number of members run on each row [sample].

    Raises:
        ExportError: the ensemble is no cascade.
        PoolError: no such split, or a member that the pool does not have.
    """
    stages, members = _stages(ensemble), _predictions(ensemble, pool, split)
    probs, used = np.empty(members.shape[1:]), np.zeros(members.shape[1], dtype=np.int64)
    for stage in range(len(stages.order)):
        so_far = {place: torch.from_numpy(members[place]) for place in stages.order[: stage + 1]}
        combined = stage_consensus(ensemble.description, so_far).numpy()
        limit = stages.thresholds[stage] if stage < len(stages.thresholds) else 0.0
        decided = (used == 0) & (combined.max(axis=1) >= limit)
        probs[decided], used[decided] = combined[decided], stage + 1
    return probs, used


def _stages(ensemble: Ensemble) -> Stages:
    if ensemble.description.stages is None:
        raise ExportError("this ensemble is no cascade; make one with lrensemble.export.cascade")
    return ensemble.description.stages


def _best_thresholds(table: _Table, accuracy: float | None, cost: float | None) -> Floats:
    """Thresholds [stage] by coordinate search: one stage at a time, as long as that improves.

    Raises:
        ExportError: no thresholds meet the limit.
    """

    def key(quality: CascadeQuality) -> tuple[float, ...]:
        """Objective, higher is better: first the distance to the limit, then what is left free."""
        if accuracy is not None:
            return (min(0.0, quality.accuracy - accuracy), -quality.cost, quality.accuracy)
        near = min(quality.accuracy, quality.team_accuracy), quality.agreement
        return (min(0.0, (cost or 0.0) - quality.cost), *near, -quality.cost)

    levels = np.linspace(0, 1, THRESHOLDS)
    tried = [np.append(np.quantile(confidence, levels), UNREACHABLE) for confidence in table.confidence[:-1]]
    stages = len(tried)
    shared = [np.full(stages, level) for level in np.append(np.unique(np.concatenate(tried)), UNREACHABLE)]
    best = max(shared, key=lambda thresholds: key(table.quality(thresholds)))
    for _ in range(PASSES):
        before = best
        for stage in range(stages):
            moved = [np.where(np.arange(stages) == stage, level, best) for level in tried[stage]]
            best = max([best, *moved], key=lambda thresholds: key(table.quality(thresholds)))
        if np.array_equal(before, best):
            break
    if key(found := table.quality(best))[0] < 0:
        raise ExportError(
            f"no cascade of these members reaches that: the nearest has accuracy {found.accuracy:.4f} on val at "
            f"{found.cost:.3f} of the team's cost"
        )
    return best


def _order(ensemble: Ensemble, probs: Floats, labels: NDArray[np.int64]) -> list[int]:
    """Order of the members: the most accurate first, then always the one that gives the mean the lowest NLL."""
    truth = np.arange(len(labels)), labels
    weights = np.maximum(ensemble.description.weights, np.finfo(np.float64).tiny)
    of_label = probs[:, *truth]  # [member, sample]

    def loss(team: list[int]) -> float:
        mixed = np.average(of_label[team], axis=0, weights=weights[team])
        return float(-np.log(np.maximum(mixed, SMALLEST_PROBABILITY)).mean())

    accuracies = (likeliest(probs) == labels).mean(axis=1)
    order = [int(accuracies.argmax())]
    while len(order) < len(probs):
        order.append(min(set(range(len(probs))) - set(order), key=lambda one: (loss([*order, one]), one)))
    return order


def _table(ensemble: Ensemble, order: list[int], probs: Floats, labels: NDArray[np.int64], fractions: Floats) -> _Table:
    confidence, predicted = [], []
    for stage in range(len(order)):
        probs_so_far = {index: torch.from_numpy(probs[index]) for index in order[: stage + 1]}
        combined = stage_consensus(ensemble.description, probs_so_far).numpy()
        confidence.append(combined.max(axis=1))
        predicted.append(likeliest(combined))
    return _Table(np.stack(confidence), np.stack(predicted), np.asarray(labels), np.cumsum(fractions[order]))


def _predictions(ensemble: Ensemble, pool: Pool, split: str) -> Floats:
    """Probabilities [member, sample, class], in the order of the ensemble's parts."""
    by_id = {member.id: member for member in pool.members()}
    missing = [part.id for part in ensemble.description.parts if part.id not in by_id]
    if missing:
        raise PoolError(f"{pool.folder} has no member {missing[0]}; name the pool that the ensemble was made of")
    stacked = np.stack(
        [by_id[part.id].predictions(split).dense(len(pool.task.classes)) for part in ensemble.description.parts]
    )
    probs: Floats = np.exp(stacked.astype(np.float64))
    return probs


def _cost_fractions(ensemble: Ensemble) -> Floats:
    """Operations of each member for one row [member], as fractions of those of all; seconds, where another library
    runs a member and nobody counts its operations.
    """
    inputs = ensemble.prepare(torch.zeros(1, *ensemble.description.inputs.shape, device=ensemble.mean.device))
    if any(isinstance(member, Foreign) for member in ensemble.members):
        return _time_fractions(ensemble, inputs)
    counts = [max(forward_flops(member, inputs), 1) for member in ensemble.members]
    fractions: Floats = np.array(counts, dtype=np.float64) / sum(counts)
    return fractions


@torch.no_grad()
def _time_fractions(ensemble: Ensemble, one: torch.Tensor) -> Floats:
    """Seconds of each member for `TIMED_ROWS` rows [member], the least of some calls, as fractions of those of all."""
    inputs = one.expand(TIMED_ROWS, *one.shape[1:]).contiguous()
    seconds = []
    for member in ensemble.members:
        times = []
        for _ in range(TIMED_CALLS):
            start = time.perf_counter()
            member(inputs)
            times.append(time.perf_counter() - start)
        seconds.append(min(times))
    fractions: Floats = np.array(seconds, dtype=np.float64) / sum(seconds)
    return fractions
