"""Forward selection: the loop of `greedy_definition` on incremental teams, with the limits that `greedy` offers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.methods.shared.searching import DistinctTeams
from lrensemble.select.scoring.incremental import IncrementalTeam
from lrensemble.select.scoring.team_scores import SAME_SCORE, first_best

Counts = NDArray[np.float64]
"""[member] how often each is in the team."""


@dataclass(frozen=True, eq=False)
class Rules:
    """What a greedy run may do."""

    size: int
    """Additions at most."""
    allowed: NDArray[np.bool_]
    """[member] whether it may be added at all."""
    replacement: bool = True
    """Whether a member may be added more than once."""
    start: int = 0
    """The run starts with so many of the best single members, one after another."""
    max_members: int | None = None
    """Distinct members at most."""
    max_cost: float | None = None
    """Total cost of distinct members at most."""
    cost: NDArray[np.float64] | None = None
    """[member]"""

    def candidates(self, counts: Counts) -> NDArray[np.int64]:
        """The members that may be added to a team."""
        if self.replacement and self.max_members is None and self.max_cost is None:
            return self.every_candidate
        present = counts > 0
        open_to = self.allowed & (present if not self.may_widen(present) else True)
        if not self.replacement:
            open_to &= ~present
        if self.max_cost is not None and self.cost is not None:
            left = self.max_cost - float(self.cost[present].sum())
            open_to &= present | (self.cost <= left * (1 + 1e-12))
        return np.flatnonzero(open_to)

    @cached_property
    def every_candidate(self) -> NDArray[np.int64]:
        """The members that may be added at all."""
        return np.flatnonzero(self.allowed)

    def may_widen(self, present: NDArray[np.bool_]) -> bool:
        """Whether one more distinct member is within the cap."""
        return self.max_members is None or int(present.sum()) < self.max_members


def best_prefix(
    team: IncrementalTeam, tie_break: IncrementalTeam | None, rules: Rules, scored: DistinctTeams | None = None
) -> tuple[Counts, int]:
    """The counts of the best prefix [member], and how many teams were scored; those are noted in `scored` as well.

    Ties go to the better by `tie_break`, then to the lowest index; of equal prefixes the shortest stays.
    """
    counts = np.zeros(len(rules.allowed))
    best, best_score, tried = counts, -np.inf, 0
    order: list[int] = []
    for step in range(rules.size):
        candidates = rules.candidates(counts)
        if not len(candidates):
            break
        scores = team.scores(candidates)
        tried += len(candidates)
        if scored is not None:
            scored.add_candidates(counts, candidates)
        if step == 0:
            order = candidates[np.argsort(-scores, kind="stable")][: rules.start].tolist()
        if step < len(order) and order[step] in candidates:
            place = int(np.flatnonzero(candidates == order[step])[0])
        else:
            place = _first_best(scores, candidates, tie_break)
        member = int(candidates[place])
        counts = counts.copy()
        counts[member] += 1
        team = team.added(member)
        tie_break = tie_break and tie_break.added(member)
        if scores[place] > best_score + SAME_SCORE:
            best, best_score = counts, float(scores[place])
    return best, tried


def _first_best(scores: NDArray[np.float64], candidates: NDArray[np.int64], tie_break: IncrementalTeam | None) -> int:
    """Place of the best candidate."""
    if tie_break is None:
        return first_best(scores)
    tied = np.flatnonzero(scores >= scores.max() - SAME_SCORE)
    others = tie_break.scores(candidates[tied])
    return int(tied[np.argmax(others >= others.max() - SAME_SCORE)])
