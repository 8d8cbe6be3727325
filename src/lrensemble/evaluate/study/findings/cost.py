"""What pools cost to train, and what each needs to reach a score."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lrensemble.evaluate.predictors import Floats
from lrensemble.evaluate.study.findings.differences import sign_of
from lrensemble.evaluate.study.record import CostToScore, Drawing, PoolSize, StudyCost
from lrensemble.pool import Member, Pool

KINDS = 3
"""Kinds of cost: epochs, samples, seconds; NaN where unknown."""


@dataclass(frozen=True, eq=False)
class Spent:
    """Cost of training a pool."""

    members: Floats
    """[member, kind] of each member that can be chosen."""
    lost: Floats
    """[kind] of those that cannot: a smaller pool would have lost in proportion."""
    fixed: Floats
    """[kind] of runs that a smaller pool needs as well, such as those that found its recipe."""

    @classmethod
    def on(cls, pool: Pool, whole: Pool | None = None) -> Spent:
        """Cost of a pool.

        Args:
            pool: whose members can be chosen.
            whole: the pool that it is a part of: all that this one cost counts.
        """
        everyone = pool.members(include_diverged=True)
        epoch = next((found for member in everyone if (found := _samples_of_epoch(member))), math.nan)
        lost = _costs([member for member in everyone if member.status != "finished"], epoch).sum(axis=0)
        beside = _costs(beside_part(pool, whole), epoch).sum(axis=0)
        return cls(_costs(pool.members(), epoch), lost, beside)

    @property
    def total(self) -> Floats:
        """[kind] all of it."""
        return np.asarray(self.members.sum(axis=0) + self.lost + self.fixed)

    def of(self, members: Sequence[int]) -> Floats:
        """[kind] cost of a smaller pool of some members."""
        return np.asarray(self.members[list(members)].sum(axis=0) + self._beside(len(members)))

    def share(self, size: int) -> Floats:
        """[kind] mean cost of smaller pools of so many members, whoever they are."""
        return np.asarray(size * self.members.mean(axis=0) + self._beside(size))

    def _beside(self, size: int) -> Floats:
        return np.asarray(size / len(self.members) * self.lost + self.fixed)


def beside_part(part: Pool, whole: Pool | None) -> list[Member]:
    """Members of a whole that are not in its part; none without a whole."""
    ids = {member.id for member in part.members(include_diverged=True)}
    return [] if whole is None else [member for member in whole.members(include_diverged=True) if member.id not in ids]


def as_record(costs: Floats) -> StudyCost:
    """Cost [kind] as a record."""
    epochs, samples, seconds = (None if math.isnan(one) else float(one) for one in costs)
    return StudyCost(epochs=epochs, samples=samples, seconds=seconds)


def costs_to_scores(sizes: Sequence[PoolSize], reference: str, measures: Sequence[str]) -> Iterator[CostToScore]:
    """What each pool needs to reach the scores of the reference, by every way of drawing.

    Args:
        sizes: smaller pools of all pools, each pool itself among them.
        reference: pool whose best single model and default team are to be reached.
        measures: measures of the scores.
    """
    curves = defaultdict[tuple[str, Drawing], list[PoolSize]](list)
    for each in sizes:
        curves[each.pool, each.drawing].append(each)
    if (reference, "drawn") not in curves:
        return
    itself = max(curves[reference, "drawn"], key=lambda each: each.size)
    for measure in measures:
        for curve in curves.values():
            if all(measure in each.team for each in curve):
                if measure in itself.single:
                    yield _to_score(curve, measure, itself.single[measure].mean, "best single")
                if measure in itself.team:
                    yield _to_score(curve, measure, itself.team[measure].mean, "default team")


def _to_score(curve: Sequence[PoolSize], measure: str, score: float, target: str) -> CostToScore:
    """Where a curve first reaches a score; between two sizes, on the line between them."""
    curve = sorted(curve, key=lambda each: each.size)
    sign = sign_of(measure)
    missing = np.array([sign * (score - each.team[measure].mean) for each in curve])
    sizes = np.array([float(each.size) for each in curve])
    costs = np.array([_as_array(each.cost) for each in curve])
    reached = np.flatnonzero(missing <= 0)
    first = int(reached[0]) if len(reached) else len(curve) - 1
    members, cost = sizes[first], costs[first]
    if len(reached) and first > 0:
        share = float(missing[first - 1] / (missing[first - 1] - missing[first]))
        members = sizes[first - 1] + share * (members - sizes[first - 1])
        cost = costs[first - 1] + share * (cost - costs[first - 1])
    return CostToScore(
        pool=curve[0].pool,
        drawing=curve[0].drawing,
        measure=measure,
        target=target,  # type: ignore[arg-type]
        score=score,
        reached=bool(len(reached)),
        members=float(members),
        cost=as_record(cost),
    )


def _as_array(cost: StudyCost) -> Floats:
    return np.array([math.nan if one is None else one for one in (cost.epochs, cost.samples, cost.seconds)])


def _costs(members: Sequence[Member], epoch: float) -> Floats:
    """[member, kind] costs.

    Args:
        members: of the pool.
        epoch: number of samples of a pass over the training rows, for members whose history does not say it.
    """
    found = np.full((len(members), KINDS), math.nan)
    for own, member in zip(found, members, strict=True):
        samples = math.nan if member.samples is None else float(member.samples)
        own[:] = (
            samples / (_samples_of_epoch(member) or epoch),
            samples,
            math.nan if member.seconds is None else member.seconds,
        )
    return found


def _samples_of_epoch(member: Member) -> float | None:
    """Samples of one pass over the training rows, from the history of a member that was trained here."""
    lines, batch = member.history()[-1:], ((member.recipe or {}).get("train") or {}).get("batch_size")
    if not lines or not batch or not lines[0].get("epoch") or member.status != "finished":
        return None
    return float(lines[0]["step"]) / float(lines[0]["epoch"]) * float(batch)
