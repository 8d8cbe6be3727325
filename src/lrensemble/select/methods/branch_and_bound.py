"""The best team of a pool too large to enumerate: exact if it ends in time, and else with a proven gap."""

from __future__ import annotations

import heapq
import logging
import time
from dataclasses import dataclass, field, replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.limits import Count, Teams
from lrensemble.select.base import SELECTORS, Selection, Validation, check_metric, equal_weights
from lrensemble.select.methods.shared.exhaustive import check_sizes
from lrensemble.select.methods.shared.searching import DistinctTeams, Leader
from lrensemble.select.scoring.bounds import Bound, Bounder, Family, bounder, is_convex
from lrensemble.select.scoring.incremental import Growth, growth
from lrensemble.select.scoring.team_scores import SAME_SCORE, Scorer, first_best, team_score, team_scorer
from lrensemble.spec import SpecLike, to_spec

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_REPORTS = 2.0

NUMBERS = 2**29
"""What the bounds of all families may cost in numbers looked at: a few seconds."""

PYTHON_ROWS = 1000
"""Fewer rows than this make a bound no cheaper."""


@SELECTORS.register(max_size=3)
def branch_and_bound(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    min_size: Count = 1,
    max_size: Count | None = None,
    families: Teams | None = None,
    seconds: Annotated[float, Field(gt=0)] | None = None,
    gap: Annotated[float, Field(ge=0)] = 0.0,
) -> Selection:
    """The best team with equal weights, by dividing all teams into families of bounded score (Land & Doig 1960).

    The family with the highest bound is divided first, and families that cannot beat the best team met so far are
    dropped. The search is complete when none is left; where the families or the seconds are used up before, or at an
    interrupt from the keyboard, the best team so far is returned. `details["bound"]` is proven: no team scores above
    it; `gap` is its distance from the score. Of teams that score the same, any may be returned, always the same one
    unless seconds ended the search.

    Args:
        validation: the rows to choose on.
        metric: `accuracy`, `nll` or `brier`.
        consensus: `mean` or `plurality`; for accuracy also `geometric_mean`.
        seed: not used.
        min_size: of the teams.
        max_size: of the teams; all members unless given.
        families: divide so many at most; unless given, as many as a few seconds are enough for, by a count that depends
            on members, rows and classes alone, so that every run ends alike.
        seconds: time for the search, measured from its first family; one family may take it a little beyond. Unless
            given, the number of families alone ends it.
        gap: the search ends as soon as the score is proven to be within this of the best.

    Raises:
        SelectionError: no bound is known for the metric under the consensus, or the sizes do not fit the pool.
    """
    metric_text = check_metric(validation, metric)
    sizes = check_sizes(validation.members, min_size, max_size, limit=None)
    whole = Family(validation.members, sizes.smallest, sizes.largest)
    seen = DistinctTeams(validation.members)
    search = Search(team_scorer(validation, metric, consensus), bounder(validation, metric, consensus), seen)
    most = families or _families(validation, metric, consensus)
    complete = search.run(whole, growth(validation, metric, consensus), most, seconds or np.inf, gap)
    team = search.leader.team
    score = team_score(validation, team, metric=metric, consensus=consensus)
    bound = max(score, search.bound)
    details = {"complete": complete, "bound": bound, "gap": bound - score, "families": search.families}
    return Selection(
        team, equal_weights(team), score, metric_text, str(to_spec(consensus)), search.seen.count, details=details
    )


def _families(validation: Validation, metric: SpecLike, consensus: SpecLike) -> int:
    """How many families are bounded in a few seconds, at least one."""
    members, rows, classes = validation.log_probs.shape
    if is_convex(metric, consensus):
        return max(1, int(NUMBERS / (members**1.5 * max(rows, PYTHON_ROWS))))
    return max(1, NUMBERS // int(8 * members * max(rows * max(classes - 1, 1), PYTHON_ROWS)))


@dataclass
class Search:
    """The families that are still open, and the best team met."""

    scorer: Scorer
    bound_of: Bounder
    seen: DistinctTeams
    """Teams that were scored."""
    leader: Leader = field(default_factory=Leader)
    families: int = 0
    """Families that were bounded."""
    opened: int = 0
    """Families that came into the heap."""
    heap: list[tuple[float, int, Family]] = field(default_factory=list)
    """(bound, negated; which one it was to come in, so that the order is always the same; family)."""

    @property
    def bound(self) -> float:
        """No team of an open family scores higher; minus infinity where none is open."""
        return -self.heap[0][0] if self.heap else -np.inf

    def run(self, whole: Family, empty: Growth, families: int, seconds: float, gap: float) -> bool:
        """Divide families until none can beat the best team by more than the gap; whether that was reached.

        The first teams looked at are those of greedy search without replacement, from the empty one.
        """
        deadline = reported = time.monotonic()
        deadline += seconds
        try:
            self._look_at(-np.argsort(greedy_order(empty, whole.members)).astype(np.float64), whole)
            self._open(whole, np.inf)
            while self.bound > self.leader.score + max(gap, SAME_SCORE):
                self._divide_first()
                now = time.monotonic()
                if now > deadline or self.families >= families:
                    return not self.bound > self.leader.score + max(gap, SAME_SCORE)
                if now > reported + SECONDS_BETWEEN_REPORTS:
                    reported = now
                    logger.info("best so far %.6g, proven bound %.6g", self.leader.score, self.bound)
        except KeyboardInterrupt:
            if not self.leader.tied:
                raise
            logger.warning("interrupted; the best so far stands")
            return False
        return True

    def _divide_first(self) -> None:
        """Bound the family at the head of the heap, look at some of its teams, and put its parts in its place."""
        known, _, family = self.heap[0]
        bound = self.bound_of(family, self.leader.score)
        self.families += 1
        self._look_at(bound.wanted, family)
        heapq.heappop(self.heap)
        for part in divided(family, bound):
            self._open(part, min(bound.score, -known))

    def _open(self, family: Family, bound: float) -> None:
        """Keep a family if it can hold the best team; a family of one team is looked at instead."""
        team = family.only_team()
        if team is not None:
            self._see(np.isin(np.arange(family.members), team)[None].astype(np.float64))
        elif bound > self.leader.score + SAME_SCORE:
            self.opened += 1
            heapq.heappush(self.heap, (-bound, self.opened, family))

    def _look_at(self, wanted: NDArray[np.float64], family: Family) -> None:
        """Score, of each size in the family, the team of its most wanted members."""
        free = family.free()
        order = [*family.inside, *free[np.argsort(-wanted[free], kind="stable")].tolist()]
        sizes = np.arange(max(family.smallest, 1), family.largest + 1)
        teams = np.zeros((len(sizes), family.members))
        for row, size in zip(teams, sizes.tolist(), strict=True):
            row[order[:size]] = 1
        self._see(teams)

    def _see(self, teams: NDArray[np.float64]) -> None:
        scores = self.scorer(teams)
        self.seen.see(teams)
        best = first_best(scores)
        self.leader.see(tuple(np.flatnonzero(teams[best]).tolist()), float(scores[best]))


def greedy_order(empty: Growth, members: int) -> list[int]:
    """All members, each the one that raises the score most, or lowers it least, when added to those before it."""
    team, order = empty, list[int]()
    while len(order) < members:
        left = np.setdiff1d(np.arange(members), order)
        order.append(int(left[first_best(team.scores(left))]))
        team = team.added(order[-1])
    return order


def divided(family: Family, bound: Bound) -> list[Family]:
    """Two families that hold the same teams between them: by size while it is open, then by a member in or out."""
    if family.smallest < family.largest:
        middle = (family.smallest + family.largest) // 2
        parts = [replace(family, largest=middle), replace(family, smallest=middle + 1)]
    else:
        free = family.free()
        member = int(free[np.argmax(bound.undecided[free])])
        parts = [
            replace(family, inside=(*family.inside, member)),
            replace(family, outside=(*family.outside, member)),
        ]
    return [tight for part in parts if (tight := part.tightened())]
