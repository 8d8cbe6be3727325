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
from lrensemble.select.base import SELECTORS, Selection, check_metric
from lrensemble.select.methods.shared.exhaustive import check_sizes
from lrensemble.select.methods.shared.scored import equal_team
from lrensemble.select.methods.shared.searching import DistinctTeams, Incumbent
from lrensemble.select.scoring.bounds import Bound, BoundFunction, Node, bound_function, is_convex
from lrensemble.select.scoring.incremental import IncrementalTeam, incremental_team
from lrensemble.select.scoring.team_scores import SAME_SCORE, Scorer, first_best, team_scorer
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_REPORTS = 2.0

NUMBERS = 2**29
"""Numbers that the bounds of all nodes may read: a few seconds."""

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
    """The best team with equal weights, by branch and bound over sets of teams (Land & Doig 1960).

    A node is a set of teams, with a bound on their scores. The node with the highest bound is divided first, and nodes
    that cannot beat the best team met so far are dropped. The search is complete when none is left; where the nodes or
    the seconds are used up before, or at an interrupt from the keyboard, the best team so far is returned.
    `details["bound"]` is proven: no team scores above it; `gap` is its distance from the score. Of teams that score the
    same, any may be returned, always the same one unless seconds ended the search.

    Args:
        validation: the rows to choose on.
        metric: `accuracy`, `nll` or `brier`.
        consensus: `mean` or `plurality`; for accuracy also `geometric_mean`.
        seed: not used.
        min_size: of the teams.
        max_size: of the teams; all members unless given.
        families: nodes that are divided, at most; unless given, as many as a few seconds are enough for, by a count
            that depends on members, rows and classes alone, so that every run ends alike.
        seconds: time for the search, measured from its first node; one may take it a little beyond. Unless
            given, the number of nodes alone ends it.
        gap: the search ends as soon as the score is proven to be within this of the best.

    Raises:
        SelectionError: no bound is known for the metric under the consensus, or the sizes do not fit the pool.
    """
    check_metric(validation, metric, consensus)
    sizes = check_sizes(validation.members, min_size, max_size, limit=None)
    whole = Node(validation.members, sizes.smallest, sizes.largest)
    scored = DistinctTeams(validation.members)
    search = BranchAndBound(
        team_scorer(validation, metric, consensus), bound_function(validation, metric, consensus), scored
    )
    most = families or _nodes(validation, metric, consensus)
    complete = search.run(whole, incremental_team(validation, metric, consensus), most, seconds or np.inf, gap)
    found = equal_team(validation, search.incumbent.team, metric, consensus, search.scored.count)
    bound = max(found.score, search.bound)
    details = {"complete": complete, "bound": bound, "gap": bound - found.score, "families": search.nodes}
    return replace(found, details=details)


def _nodes(validation: Validation, metric: SpecLike, consensus: SpecLike) -> int:
    """How many nodes are bounded in a few seconds, at least one."""
    members, rows, classes = validation.shape
    if is_convex(metric, consensus):
        return max(1, int(NUMBERS / (members**1.5 * max(rows, PYTHON_ROWS))))
    return max(1, NUMBERS // int(8 * members * max(rows * max(classes - 1, 1), PYTHON_ROWS)))


@dataclass
class BranchAndBound:
    """The nodes that are still open, and the best team met."""

    scorer: Scorer
    bound_of: BoundFunction
    scored: DistinctTeams
    """Teams that were scored."""
    incumbent: Incumbent = field(default_factory=Incumbent)
    nodes: int = 0
    """Nodes that were bounded."""
    opened: int = 0
    """Nodes that were put into the heap."""
    heap: list[tuple[float, int, Node]] = field(default_factory=list)
    """(minus the bound, order of arrival, so that ties are always decided alike, node)."""

    @property
    def bound(self) -> float:
        """No team of an open node scores higher; minus infinity where none is open."""
        return -self.heap[0][0] if self.heap else -np.inf

    def run(self, whole: Node, empty: IncrementalTeam, nodes: int, seconds: float, gap: float) -> bool:
        """Divide nodes until none can beat the best team by more than the gap; whether that was reached.

        The first teams looked at are those of greedy search without replacement, from the empty one.
        """
        deadline = reported = time.monotonic()
        deadline += seconds
        try:
            self._score_wanted(-np.argsort(greedy_order(empty, whole.members)).astype(np.float64), whole)
            self._open(whole, np.inf)
            while self.bound > self.incumbent.score + max(gap, SAME_SCORE):
                self._divide_first()
                now = time.monotonic()
                if now > deadline or self.nodes >= nodes:
                    return not self.bound > self.incumbent.score + max(gap, SAME_SCORE)
                if now > reported + SECONDS_BETWEEN_REPORTS:
                    reported = now
                    logger.info("best so far %.6g, proven bound %.6g", self.incumbent.score, self.bound)
        except KeyboardInterrupt:
            if not self.incumbent.ties:
                raise
            logger.warning("interrupted; the best so far stands")
            return False
        return True

    def _divide_first(self) -> None:
        """Bound the node at the head of the heap, score some of its teams, and put its parts in its place."""
        known, _, node = self.heap[0]
        bound = self.bound_of(node, self.incumbent.score)
        self.nodes += 1
        self._score_wanted(bound.wanted, node)
        heapq.heappop(self.heap)
        for part in divided(node, bound):
            self._open(part, min(bound.score, -known))

    def _open(self, node: Node, bound: float) -> None:
        """Keep a node if it can hold the best team; a node of one team is scored instead."""
        team = node.only_team()
        if team is not None:
            self._score(np.isin(np.arange(node.members), team)[None].astype(np.float64))
        elif bound > self.incumbent.score + SAME_SCORE:
            self.opened += 1
            heapq.heappush(self.heap, (-bound, self.opened, node))

    def _score_wanted(self, wanted: NDArray[np.float64], node: Node) -> None:
        """Score, of each size in the node, the team of its most wanted members."""
        free = node.free()
        order = [*node.inside, *free[np.argsort(-wanted[free], kind="stable")].tolist()]
        sizes = np.arange(max(node.smallest, 1), node.largest + 1)
        teams = np.zeros((len(sizes), node.members))
        for row, size in zip(teams, sizes.tolist(), strict=True):
            row[order[:size]] = 1
        self._score(teams)

    def _score(self, teams: NDArray[np.float64]) -> None:
        scores = self.scorer(teams)
        self.scored.add(teams)
        best = first_best(scores)
        self.incumbent.update(tuple(np.flatnonzero(teams[best]).tolist()), float(scores[best]))


def greedy_order(empty: IncrementalTeam, members: int) -> list[int]:
    """All members, each the one that raises the score most, or lowers it least, when added to those before it."""
    team, order = empty, list[int]()
    while len(order) < members:
        left = np.setdiff1d(np.arange(members), order)
        order.append(int(left[first_best(team.scores(left))]))
        team = team.added(order[-1])
    return order


def divided(node: Node, bound: Bound) -> list[Node]:
    """Two nodes that hold the same teams between them: by size while it is open, then by a member in or out."""
    if node.smallest < node.largest:
        middle = (node.smallest + node.largest) // 2
        parts = [replace(node, largest=middle), replace(node, smallest=middle + 1)]
    else:
        free = node.free()
        member = int(free[np.argmax(bound.undecided[free])])
        parts = [
            replace(node, inside=(*node.inside, member)),
            replace(node, outside=(*node.outside, member)),
        ]
    return [tight for part in parts if (tight := part.tightened())]
