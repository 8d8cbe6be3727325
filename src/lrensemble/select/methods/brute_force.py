"""Score every team, and take the best: exact, and the yardstick for every other selector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lrensemble.limits import Count, Teams
from lrensemble.select.base import SELECTORS, Selection, check_metric
from lrensemble.select.methods.beam import beam
from lrensemble.select.methods.branch_and_bound import branch_and_bound
from lrensemble.select.methods.shared.exhaustive import Enumeration, Sizes, affordable, check_sizes, search
from lrensemble.select.methods.shared.scored import equal_team
from lrensemble.select.scoring.bounds import is_convex
from lrensemble.select.scoring.team_scores import SAME_SCORE, standard_error
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

BOUNDED_MEMBERS = 64
"""Branch and bound is tried on so many members at most: beyond, it seldom ends in the nodes that it is given."""

NODES_TIMES_NUMBERS = 2**29
"""What branch and bound may spend: nodes times rows times the square of the members."""


@SELECTORS.register(max_size=3)
def brute_force(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    min_size: Count = 1,
    max_size: Count | None = None,
    limit: Teams | None = None,
) -> Selection:
    """The best of all teams with equal weights; ties to the smaller team, then to the lowest indices.

    Accuracy, NLL and Brier score have kernels under the mean, plurality and (all subsets only) the geometric mean;
    anything else is scored team by team. An interrupt from the keyboard returns the best so far, and `details` says
    `complete: false`. They also say how many teams tie with the winner, and how many are within one standard error of
    it: how stable the choice is.

    Where there are more teams than are scored in about a second, and no limit is given, NLL and Brier score go to
    branch and bound, and what that does not end in a counted number of nodes, and every other metric, to beam
    search: `details["search"]` is `exhaustive`, `branch_and_bound` or `beam`, and `details["complete"]` says whether
    the team is proven to be the best. The same pool is always searched in the same way.

    Args:
        validation: the rows to choose on.
        metric: what teams are compared by.
        consensus: how members are combined.
        seed: not used.
        min_size: of the teams.
        max_size: of the teams; all members unless given.
        limit: score every team, but refuse to score more than this; unless given, 65,536 teams are always scored, and
            more where teams times rows are at most 2^28.

    Raises:
        SelectionError: there are more teams than `limit`, or the sizes do not fit the pool.
    """
    check_metric(validation, metric, consensus)
    sizes = check_sizes(validation.members, min_size, max_size, limit)
    if limit is None and not affordable(validation, sizes, metric, consensus):
        return _without_scoring_all(validation, sizes, metric, consensus)
    found = search(validation, sizes, metric, consensus)
    best = equal_team(validation, found.incumbent.team, metric, consensus, found.tried)
    error = standard_error(validation, best.team, metric=metric, consensus=consensus)
    return replace(best, details=_stability(found, best.score, error))


def _without_scoring_all(validation: Validation, sizes: Sizes, metric: SpecLike, consensus: SpecLike) -> Selection:
    """The best team by branch and bound, or the better of that and of beam search where it does not end."""
    bounded = _bounded(validation, sizes, metric, consensus)
    if bounded is not None and bounded.details["complete"]:
        return replace(bounded, details={"search": "branch_and_bound", **bounded.details})
    largest = None if sizes.largest == sizes.members else sizes.largest
    grown = beam(validation, metric=metric, consensus=consensus, min_size=sizes.smallest, max_size=largest)
    details: dict[str, Any] = {"search": "beam", "complete": False}
    if bounded is None:
        return replace(grown, details=details)
    best = bounded if bounded.score > grown.score + SAME_SCORE else grown
    bound = max(float(bounded.details["bound"]), best.score)
    details |= {"bound": bound, "gap": bound - best.score}
    return replace(best, tried=bounded.tried + grown.tried, details=details)


def _bounded(validation: Validation, sizes: Sizes, metric: SpecLike, consensus: SpecLike) -> Selection | None:
    """What branch and bound finds; None where it has little hope to end."""
    if sizes.members > BOUNDED_MEMBERS or not is_convex(metric, consensus):
        return None
    nodes = NODES_TIMES_NUMBERS // (sizes.members**2 * len(validation.truth))
    return branch_and_bound(
        validation,
        metric=metric,
        consensus=consensus,
        min_size=sizes.smallest,
        max_size=sizes.largest,
        families=min(max(nodes, 1), 512),
    )


def _stability(found: Enumeration, score: float, error: float | None) -> Mapping[str, Any]:
    details: dict[str, Any] = {"search": "exhaustive", "complete": found.complete, "tied": found.incumbent.ties}
    if error is not None:
        details["standard_error"] = error
        if found.scores is not None:
            near = found.scores >= score - error - SAME_SCORE
            details["within_standard_error"] = int(near.sum())
    return details
