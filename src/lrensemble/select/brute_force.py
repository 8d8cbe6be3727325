"""Score every team, and take the best: exact, and the yardstick for every other selector."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.errors import SelectionError
from lrensemble.select.base import SELECTORS, Selection, Validation, check_metric, equal_weights
from lrensemble.select.scoring import SAME_SCORE, first_best, team_score, team_scorer
from lrensemble.spec import SpecLike, to_spec

PositiveInt = Annotated[int, Field(gt=0)]
LIMIT = 2**20
BLOCK = 8192
"""Teams scored at a time."""


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
    largest = validation.members if max_size is None else max_size
    count = count_teams(validation.members, min_size, largest, limit)
    scorer = team_scorer(validation, metric, consensus)
    best_score, best_team = -math.inf, np.zeros(validation.members)
    for weights in _blocks(validation.members, min_size, largest):
        scores = scorer(weights)
        position = first_best(scores)
        if scores[position] > best_score + SAME_SCORE:  # the first of equals stays
            best_score, best_team = float(scores[position]), weights[position]
    team = tuple(np.flatnonzero(best_team).tolist())
    score = team_score(validation, team, metric=metric, consensus=consensus)
    return Selection(team, equal_weights(team), score, metric_text, str(to_spec(consensus)), count)


def count_teams(members: int, min_size: int, max_size: int, limit: int) -> int:
    """How many teams there are of these sizes, counted before any is listed.

    Raises:
        SelectionError: above the limit, or no such size in a pool of `members`.
    """
    if not min_size <= max_size <= members:
        raise SelectionError(
            f"team sizes {min_size} to {max_size} do not fit a pool of {members}; "
            f"sizes must rise and lie between 1 and {members}"
        )
    count = sum(math.comb(members, size) for size in range(min_size, max_size + 1))
    if count > limit:
        raise SelectionError(
            f"{members} members have {count:,} teams of {min_size} to {max_size}, above the limit of {limit:,}; "
            f"lower max_size, or raise it with limit={count}"
        )
    return count


def _blocks(members: int, min_size: int, max_size: int) -> Iterator[NDArray[np.float64]]:
    """Weights [team, member] of all teams, smaller teams first, then by indices."""
    teams = itertools.chain.from_iterable(
        itertools.combinations(range(members), size) for size in range(min_size, max_size + 1)
    )
    while block := list(itertools.islice(teams, BLOCK)):
        weights = np.zeros((len(block), members))
        rows = np.repeat(np.arange(len(block)), [len(team) for team in block])
        weights[rows, list(itertools.chain.from_iterable(block))] = 1
        yield weights
