"""A cascade: members in order, each asked only for the rows that those before it are unsure of (Viola & Jones 2001).

Order and thresholds are found on `val`. What is decided early costs less and is decided by fewer; a row that nobody
before the last was sure of gets the team's own consensus, so that the cascade can be no less than the team there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from lrensemble.errors import ExportError, PoolError
from lrensemble.export.description import Stages
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.stages import stage_consensus
from lrensemble.numerics import SMALLEST_PROBABILITY, likeliest
from lrensemble.pool import Pool

THRESHOLDS = 64
"""How many thresholds are tried for each stage: quantiles of what the rows' confidence is there."""

NEVER = 2.0
"""A threshold that no row reaches."""

SWEEPS = 5
"""How often the thresholds of all stages are tried again, one stage at a time."""

HALF = 0.5
"""Of the team's cost, where nothing else is asked for."""

NEAR = 0.001
"""Accuracy below the team's at which a cascade still counts as reaching it."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Balance:
    """What a cascade gives and takes on a split."""

    accuracy: float
    team_accuracy: float
    """Of all members."""
    agreement: float
    """Share of the rows on which it says what the whole team says."""
    cost: float
    """Mean operations a row, as a share of those of the whole team."""
    rows: int

    @property
    def reaches_team(self) -> bool:
        """Whether it has the team's accuracy, but for `NEAR`, at no more than half of its cost."""
        return self.accuracy >= self.team_accuracy - NEAR and self.cost <= HALF


@dataclass(frozen=True)
class Cascade:
    """A cascade and what is expected of it, since its thresholds were found on the same rows."""

    ensemble: Ensemble
    expected: Balance
    """On `val`."""


@dataclass(frozen=True, eq=False)
class _Table:
    """All that a choice of thresholds needs to know, by stage and row."""

    confidence: Floats
    """[stage, sample]"""
    predicted: NDArray[np.int64]
    """[stage, sample]"""
    labels: NDArray[np.int64]
    """[sample]"""
    cost: Floats
    """[stage] of all members up to it, as a share of the team's."""

    def balance(self, thresholds: Floats) -> Balance:
        """With a threshold for each stage but the last, [stage]."""
        stops = np.vstack([self.confidence[:-1] >= thresholds[:, None], np.ones((1, self.confidence.shape[1]), bool)])
        stage = stops.argmax(axis=0)
        said, team = self.predicted[stage, np.arange(len(stage))], self.predicted[-1]
        return Balance(
            accuracy=float((said == self.labels).mean()),
            team_accuracy=float((team == self.labels).mean()),
            agreement=float((said == team).mean()),
            cost=float(self.cost[stage].mean()),
            rows=len(stage),
        )


def cascade(ensemble: Ensemble, pool: Pool, *, accuracy: float | None = None, cost: float | None = None) -> Cascade:
    """The cheapest cascade with a wanted accuracy on `val`, or the one of a wanted mean cost that is nearest its team.

    Nearest is first the accuracy, as long as it is below the team's: that a cascade beats its team is chance, and
    would not last on other rows; then how often it says what the team says.

    Args:
        ensemble: of a team of the pool.
        pool: whose stored predictions on `val` are looked at.
        accuracy: at least this, as a fraction. Near the team's own it promises too much: the cheapest of thousands of
            thresholds that have it on `val` has less on other rows.
        cost: at most this, as a share of the team's operations; half of them unless an accuracy is given.

    Raises:
        ExportError: one member, both wishes at once, or a wish that no cascade of these members fulfils.
        PoolError: a member that the pool does not have.
    """
    if accuracy is not None and cost is not None:
        raise ExportError("a cascade aims at an accuracy or at a cost; give one of the two")
    if len(ensemble.members) < 2:
        raise ExportError("a cascade needs two members or more; export a larger team: --method all")
    shares = _cost_shares(ensemble)
    probs = _predictions(ensemble, pool, "val")
    labels = pool.labels("val")
    order = _order(ensemble, probs, labels)
    table = _table(ensemble, order, probs, labels, shares)
    if accuracy is None and cost is None:
        cost = HALF
    thresholds = _found(table, accuracy, cost)
    stages = Stages(order=tuple(order), thresholds=tuple(thresholds.tolist()))
    made = Ensemble(list(ensemble.members), ensemble.description.model_copy(update={"stages": stages}))
    return Cascade(made, table.balance(thresholds))


def measure(ensemble: Ensemble, pool: Pool, split: str = "test") -> Balance:
    """What a cascade gives and takes on rows that its thresholds were not found on; it reads the labels of the split.

    Raises:
        ExportError: the ensemble is no cascade.
        PoolError: no such split, or a member that the pool does not have.
    """
    stages = ensemble.description.stages
    if stages is None:
        raise ExportError("this ensemble is no cascade; make one with lrensemble.export.cascade")
    probs, labels = _predictions(ensemble, pool, split), pool.labels(split)
    table = _table(ensemble, list(stages.order), probs, labels, _cost_shares(ensemble))
    return table.balance(np.array(stages.thresholds))


def _found(table: _Table, accuracy: float | None, cost: float | None) -> Floats:
    """Thresholds [stage], moved one stage at a time as long as that helps.

    Raises:
        ExportError: nothing fulfils the wish.
    """

    def key(balance: Balance) -> tuple[float, ...]:
        """Higher is better: first what the wish lacks, then what is free."""
        if accuracy is not None:
            return (min(0.0, balance.accuracy - accuracy), -balance.cost, balance.accuracy)
        near = min(balance.accuracy, balance.team_accuracy), balance.agreement
        return (min(0.0, (cost or 0.0) - balance.cost), *near, -balance.cost)

    levels = np.linspace(0, 1, THRESHOLDS)
    tried = [np.append(np.quantile(confidence, levels), NEVER) for confidence in table.confidence[:-1]]
    stages = len(tried)
    shared = [np.full(stages, level) for level in np.append(np.unique(np.concatenate(tried)), NEVER)]
    best = max(shared, key=lambda thresholds: key(table.balance(thresholds)))
    for _ in range(SWEEPS):
        before = best
        for stage in range(stages):
            moved = [np.where(np.arange(stages) == stage, level, best) for level in tried[stage]]
            best = max([best, *moved], key=lambda thresholds: key(table.balance(thresholds)))
        if np.array_equal(before, best):
            break
    if key(found := table.balance(best))[0] < 0:
        raise ExportError(
            f"no cascade of these members reaches that: the nearest has accuracy {found.accuracy:.4f} on val at "
            f"{found.cost:.3f} of the team's cost"
        )
    return best


def _order(ensemble: Ensemble, probs: Floats, labels: NDArray[np.int64]) -> list[int]:
    """The most accurate member first, then always the one whose coming makes the mean of those asked most likely."""
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


def _table(ensemble: Ensemble, order: list[int], probs: Floats, labels: NDArray[np.int64], shares: Floats) -> _Table:
    confidence, predicted = [], []
    for stage in range(len(order)):
        seen = {index: torch.from_numpy(probs[index]) for index in order[: stage + 1]}
        combined = stage_consensus(ensemble.description, seen).numpy()
        confidence.append(combined.max(axis=1))
        predicted.append(likeliest(combined))
    return _Table(np.stack(confidence), np.stack(predicted), np.asarray(labels), np.cumsum(shares[order]))


def _predictions(ensemble: Ensemble, pool: Pool, split: str) -> Floats:
    """[member, sample, class] probabilities, in the order of the ensemble's parts."""
    by_id = {member.id: member for member in pool.members()}
    missing = [part.id for part in ensemble.description.parts if part.id not in by_id]
    if missing:
        raise PoolError(f"{pool.folder} has no member {missing[0]}; name the pool that the ensemble was made of")
    stacked = np.stack([by_id[part.id].predictions(split) for part in ensemble.description.parts])
    probs: Floats = np.exp(stacked.astype(np.float64))
    return probs


def _cost_shares(ensemble: Ensemble) -> Floats:
    """[member] operations of a row, as a share of those of all."""
    inputs = ensemble.prepare(torch.zeros(1, *ensemble.description.inputs.shape, device=ensemble.mean.device))
    counts = []
    for member in ensemble.members:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            member(inputs)
        counts.append(max(counter.get_total_flops(), 1))
    shares: Floats = np.array(counts, dtype=np.float64) / sum(counts)
    return shares
