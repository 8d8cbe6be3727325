"""Score every team, and take the best: exact, and the yardstick for every other selector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from lrensemble.errors import SelectionError
from lrensemble.select.base import SELECTORS, Selection, Validation, check_metric, equal_weights
from lrensemble.select.exhaustive import Search, Sizes, search
from lrensemble.select.scoring import SAME_SCORE, standard_error, team_score
from lrensemble.spec import SpecLike, to_spec

PositiveInt = Annotated[int, Field(gt=0)]
LIMIT = 2**24


@SELECTORS.register(max_size=3)
def brute_force(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    min_size: PositiveInt = 1,
    max_size: PositiveInt | None = None,
    limit: PositiveInt = LIMIT,
) -> Selection:
    """The best of all teams with equal weights; ties to the smaller team, then to the lowest indices.

    Accuracy, NLL and Brier score have kernels under the mean, plurality and (all subsets only) the geometric mean;
    anything else is scored team by team. An interrupt from the keyboard returns the best so far, and `details` says
    `complete: false`. They also say how many teams tie with the winner, and how many are within one standard error of
    it: how stable the choice is.

    Args:
        validation: the rows to choose on.
        metric: what teams are compared by.
        consensus: how members are combined.
        seed: not used.
        min_size: of the teams.
        max_size: of the teams; all members unless given.
        limit: refuse to score more teams than this.

    Raises:
        SelectionError: there are more teams than `limit`, or the sizes do not fit the pool.
    """
    metric_text = check_metric(validation, metric)
    sizes = check_sizes(validation.members, min_size, max_size, limit)
    found = search(validation, sizes, metric, consensus)
    team = found.leader.team
    score = team_score(validation, team, metric=metric, consensus=consensus)
    error = standard_error(validation, team, metric=metric, consensus=consensus)
    details = _stability(found, score, error)
    return Selection(
        team, equal_weights(team), score, metric_text, str(to_spec(consensus)), found.tried, details=details
    )


def check_sizes(members: int, min_size: int, max_size: int | None, limit: int) -> Sizes:
    """The teams of these sizes, counted before any is listed.

    Raises:
        SelectionError: above the limit, or no such size in a pool of `members`.
    """
    sizes = Sizes(members, min_size, members if max_size is None else max_size)
    if not min_size <= sizes.largest <= members:
        raise SelectionError(
            f"team sizes {min_size} to {sizes.largest} do not fit a pool of {members}; "
            f"sizes must rise and lie between 1 and {members}"
        )
    if sizes.count > limit:
        raise SelectionError(
            f"{members} members have {sizes.count:,} teams of {min_size} to {sizes.largest}, above the limit of "
            f"{limit:,}; lower max_size, or raise it with limit={sizes.count}"
        )
    return sizes


def _stability(found: Search, score: float, error: float | None) -> Mapping[str, Any]:
    details: dict[str, Any] = {"complete": found.complete, "tied": found.leader.tied}
    if error is not None:
        details["standard_error"] = error
        if found.scores is not None:
            near = found.scores >= score - error - SAME_SCORE
            details["within_standard_error"] = int(near.sum())
    return details
