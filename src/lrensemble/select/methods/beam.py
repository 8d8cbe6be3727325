"""Beam search: grow several teams side by side, and keep the best few of every size."""

from __future__ import annotations

import numpy as np

from lrensemble.errors import SelectionError
from lrensemble.limits import Count, Repeats
from lrensemble.select.base import SELECTORS, Selection, check_metric
from lrensemble.select.methods.shared.scored import equal_team
from lrensemble.select.methods.shared.searching import Incumbent
from lrensemble.select.scoring.incremental import IncrementalTeam, incremental_team
from lrensemble.select.scoring.team_scores import SAME_SCORE
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

Candidates = dict[tuple[int, ...], tuple[float, IncrementalTeam, int]]
"""By team: its score, the team before, and the member that was added."""

USUAL_WIDTH, SCORED_AT_A_SIZE = 16, 1024

PATIENT_MEMBERS, PATIENCE = 32, 8
"""In pools of more members, so many sizes in a row that bring nothing better end the search."""


@SELECTORS.register(width=4, max_size=3)
def beam(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    width: Repeats | None = None,
    min_size: Count = 1,
    max_size: Count | None = None,
) -> Selection:
    """The best team met when the `width` best teams of each size are grown by every member (Lowerre 1976).

    Equal weights; ties go to the smaller team, then to the lowest indices. Width 1 is greedy search without
    replacement; a width above the number of teams is exhaustive. `details["largest"]` is the size that teams were grown
    to.

    Args:
        validation: the rows to choose on.
        metric: what teams are compared by.
        consensus: how members are combined.
        seed: not used.
        width: teams of each size that are kept; unless given 16, and fewer in pools of more than 64, so that about
            1,024 teams are scored at each size.
        min_size: of the teams.
        max_size: of the teams; unless given all members, but in pools of more than 32 no size is looked at when 8 in a
            row have brought nothing better.

    Raises:
        SelectionError: max_size is above the number of members or below min_size.
    """
    check_metric(validation, metric, consensus)
    members = validation.members
    largest = members if max_size is None else max_size
    if largest > members:
        raise SelectionError(f"max_size = {largest} is above the pool; it has {members} members")
    if min_size > largest:
        raise SelectionError(f"min_size = {min_size} is above the largest team; give at most {largest}")
    width = width or max(2, min(USUAL_WIDTH, SCORED_AT_A_SIZE // members))
    patience = PATIENCE if max_size is None and members > PATIENT_MEMBERS else largest
    kept: list[tuple[tuple[int, ...], IncrementalTeam]] = [((), incremental_team(validation, metric, consensus))]
    incumbent, tried, size, best_size = Incumbent(), 0, 0, min_size
    while size < largest and size - best_size < patience:
        size += 1
        candidates = _grown(kept, members)
        tried += len(candidates)
        ranked = sorted(candidates, key=lambda team: (-round(candidates[team][0] / SAME_SCORE), team))[:width]
        for team in ranked if size >= min_size else ():
            incumbent.update(team, candidates[team][0])
        best_size = max(best_size, len(incumbent.team))
        kept = [(team, candidates[team][1].added(candidates[team][2])) for team in ranked]
    return equal_team(validation, incumbent.team, metric, consensus, tried, {"largest": size})


def _grown(kept: list[tuple[tuple[int, ...], IncrementalTeam]], members: int) -> Candidates:
    """Every team that is one of those kept and one member more."""
    candidates: Candidates = {}
    for team, grown in kept:
        others = np.setdiff1d(np.arange(members), team)
        for member, score in zip(others.tolist(), grown.scores(others).tolist(), strict=True):
            candidates.setdefault(tuple(sorted((*team, member))), (score, grown, member))
    return candidates
