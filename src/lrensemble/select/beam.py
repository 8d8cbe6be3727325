"""Beam search: grow several teams side by side, and keep the best few of every size."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from lrensemble.errors import SelectionError
from lrensemble.select.base import SELECTORS, Selection, Validation, check_metric, equal_weights
from lrensemble.select.kernels.growth import Growth, growth
from lrensemble.select.leader import Leader
from lrensemble.select.scoring import SAME_SCORE, team_score
from lrensemble.spec import SpecLike, to_spec

PositiveInt = Annotated[int, Field(gt=0)]
Candidates = dict[tuple[int, ...], tuple[float, Growth, int]]
"""By team: its score, the team before, and the member that was added."""


@SELECTORS.register(width=4, max_size=3)
def beam(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    width: PositiveInt = 16,
    max_size: PositiveInt | None = None,
) -> Selection:
    """The best team met when the `width` best teams of each size are grown by every member (Lowerre 1976).

    Equal weights; ties go to the smaller team, then to the lowest indices. Width 1 is greedy search without
    replacement; a width above the number of teams is exhaustive.

    Args:
        validation: the rows to choose on.
        metric: what teams are compared by.
        consensus: how members are combined.
        seed: not used.
        width: teams of each size that are kept.
        max_size: of the teams; all members unless given.

    Raises:
        SelectionError: max_size is above the number of members.
    """
    metric_text = check_metric(validation, metric)
    largest = validation.members if max_size is None else max_size
    if largest > validation.members:
        raise SelectionError(f"max_size = {largest} is above the pool; it has {validation.members} members")
    kept: list[tuple[tuple[int, ...], Growth]] = [((), growth(validation, metric, consensus))]
    leader, tried = Leader(), 0
    for _ in range(largest):
        candidates = _grown(kept, validation.members)
        tried += len(candidates)
        ranked = sorted(candidates, key=lambda team: (-round(candidates[team][0] / SAME_SCORE), team))[:width]
        for team in ranked:
            leader.see(team, candidates[team][0])
        kept = [(team, candidates[team][1].added(candidates[team][2])) for team in ranked]
    score = team_score(validation, leader.team, metric=metric, consensus=consensus)
    weights = equal_weights(leader.team)
    return Selection(leader.team, weights, score, metric_text, str(to_spec(consensus)), tried)


def _grown(kept: list[tuple[tuple[int, ...], Growth]], members: int) -> Candidates:
    """Every team that is one of those kept and one member more."""
    candidates: Candidates = {}
    for team, grown in kept:
        others = np.setdiff1d(np.arange(members), team)
        for member, score in zip(others.tolist(), grown.scores(others).tolist(), strict=True):
            candidates.setdefault(tuple(sorted((*team, member))), (score, grown, member))
    return candidates
