"""What a new member is worth to the team, rather than alone."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from lrensemble.metrics import score
from lrensemble.pool import Pool
from lrensemble.select import Validation, select

TEAM = "greedy(bootstrap=0)"
"""The team of a pool: on all rows, so that it is a function of the members alone."""


def team_gain(pool: Pool, member_id: str, *, metric: str, without: Collection[str] = ()) -> float:
    """The score of the greedy team over the pool with a member, less that of the greedy team without it.

    The team of nobody knows nothing and gives every class the same probability. Members that know only labels are left
    out.

    Args:
        pool: that holds the member.
        member_id: the member that is judged.
        metric: what the team aims at, on the validation rows.
        without: ids of members that came later and do not count.
    """
    members = [m for m in pool.members() if m.kind == "log_probs" and m.id not in without]
    others = [member for member in members if member.id != member_id]
    labels = pool.labels("val")
    scores = []
    for team in (members, others):
        if team:
            stacked = np.stack([np.asarray(member.predictions("val"), dtype=np.float32) for member in team])
            scores.append(select(Validation(stacked, labels), TEAM, metric=metric).score)
        else:
            classes = len(pool.task.classes)
            scores.append(score(metric, np.full((len(labels), classes), 1 / classes), labels))
    return scores[0] - scores[1]
