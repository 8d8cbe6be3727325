"""Gain of a team by a new member."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.metrics import METRICS, score
from lrensemble.pool import Pool
from lrensemble.targets import Classes, Predictions, Target

TEAM = "greedy(bootstrap=0)"
"""Selector of the team of a pool: on all rows, so that the team is a function of the members alone."""


def team_gain(pool: Pool, member_id: str, *, metric: str, without: Collection[str] = ()) -> float:
    """Score of the greedy team over the pool with a member, less that of the greedy team without it.

    The empty team gives every class the same probability, or every row the mean of all values. Members that do not say
    what the metric needs are left out.

    Args:
        pool: the pool that has the member.
        member_id: the member that is judged.
        metric: the metric that the team is selected on and scored by, on the validation rows.
        without: ids of members that came later and do not count.
    """
    need = METRICS.facts(metric).needs
    found = [(member.id, member.predictions("val")) for member in pool.members() if member.id not in without]
    able = [(id_, said) for id_, said in found if need in said.needs_served]
    able.sort(key=lambda pair: pair[0] == member_id)  # the one that is judged comes last
    predictions = [said for _, said in able]
    return _team_score(pool, predictions, metric) - _team_score(pool, predictions[:-1], metric)


def _team_score(pool: Pool, predictions: Sequence[Predictions], metric: str) -> float:
    from lrensemble.select import Validation, select  # with its compiler; most sweeps do without

    target, truth = pool.task.target, pool.truth("val")
    if not predictions:
        return uninformed_score(target, truth, metric)
    return select(Validation(predictions, truth, target=target), TEAM, metric=metric).score


def uninformed_score(target: Target, truth: NDArray[Any], metric: str) -> float:
    """Score of who knows nothing of a row.

    Where the metric needs the probability of the truth alone, there are two classes, the true one and the others: among
    tens of thousands of tokens, one for each would not find room.
    """
    if METRICS.facts(metric).needs != "likelihood" or not isinstance(target, Classes):
        return score(metric, target.uninformed(truth), truth)
    said = np.broadcast_to([1 - 1 / target.width, 1 / target.width], (len(truth), 2))
    return score(metric, said, np.ones(len(truth), dtype=np.int64))
