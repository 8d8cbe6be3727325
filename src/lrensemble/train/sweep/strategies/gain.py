"""Gain of a team by a new member."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from lrensemble.metrics import score
from lrensemble.pool import Pool

TEAM = "greedy(bootstrap=0)"
"""Selector of the team of a pool: on all rows, so that the team is a function of the members alone."""


def team_gain(pool: Pool, member_id: str, *, metric: str, without: Collection[str] = ()) -> float:
    """Score of the greedy team over the pool with a member, less that of the greedy team without it.

    The empty team gives every class the same probability. Members that have only labels are left out.

    Args:
        pool: the pool that has the member.
        member_id: the member that is judged.
        metric: the metric that the team is selected on and scored by, on the validation rows.
        without: ids of members that came later and do not count.
    """
    members = [m for m in pool.members() if m.form == "log_probs" and m.id not in without]
    members.sort(key=lambda member: member.id == member_id)  # the one that is judged comes last
    labels = pool.truth("val")
    log_probs = np.stack(
        [member.predictions("val").dense(len(pool.task.classes)).astype(np.float32) for member in members]
    )
    return _team_score(log_probs, labels, metric) - _team_score(log_probs[:-1], labels, metric)


def _team_score(log_probs: NDArray[np.float32], labels: NDArray[np.int64], metric: str) -> float:
    from lrensemble.select import Validation, select  # with its compiler; most sweeps do without

    if not len(log_probs):
        return score(metric, np.full(log_probs.shape[1:], 1 / log_probs.shape[2]), labels)
    return select(Validation(log_probs, labels), TEAM, metric=metric).score
