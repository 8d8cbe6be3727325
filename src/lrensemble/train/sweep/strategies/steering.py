"""Steering: which recipe the next seeds go to, judged on what the pool shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lrensemble.metrics import METRICS
from lrensemble.pool import Member, Pool
from lrensemble.train.sweep.strategies.gain import TEAM

if TYPE_CHECKING:
    from lrensemble.select import CrossFit

MEMBERS_JUDGED = 4
"""Members of a recipe that are left out in turn at most: each costs a cross-fit."""


def arm_to_grow(pool: Pool, arms: Sequence[Sequence[Member]], metric: str) -> int:
    """Position of the recipe whose next seed is expected to raise the team most, of recipes from the best single down.

    What one more seed of a recipe would add is estimated by what one of those that are there adds: the cross-fitted
    score of the greedy team over all members, less that over all but the one; the mean over the recipe's members, which
    are exchangeable. A recipe with few seeds is so judged by a member without its like, one with many by one more of
    the same: those that were tried little are hoped more of, as in bandits that are optimistic in doubt (Auer et al.
    2002). A recipe is preferred to the best single if its estimate is above by more than one standard error of the
    difference over rows, else the seeds go to the best single.

    Args:
        pool: pool that has the members.
        arms: members of each recipe, the recipe that is best alone first.
        metric: metric that the team is chosen and scored by.
    """
    need = METRICS.facts(metric).needs
    able = [[member for member in arm if need in member.predictions("val").needs_served] for arm in arms]
    everyone = [member for arm in able for member in arm]
    if len(everyone) < 2:
        return 0
    whole = _cross_fit(pool, everyone, metric)
    gains = [_gains(pool, everyone, arm, whole, metric) for arm in able]
    means = [gain for gain, _ in gains]
    best = int(np.argmax(means))  # the first of equal ones: the better single
    doubt = float(np.nanstd(gains[best][1] - gains[0][1], ddof=1))
    return best if means[best] - means[0] > doubt else 0


def _gains(
    pool: Pool, everyone: Sequence[Member], arm: Sequence[Member], whole: CrossFit, metric: str
) -> tuple[float, NDArray[np.float64]]:
    """Mean of what members of a recipe add, and the same on resamples of the rows."""
    if not arm:
        return -np.inf, np.zeros(len(whole.replicates))
    places = np.unique(np.linspace(0, len(arm) - 1, min(len(arm), MEMBERS_JUDGED)).round().astype(int))
    without = [
        _cross_fit(pool, [member for member in everyone if member.id != arm[place].id], metric) for place in places
    ]
    gain = whole.score - float(np.mean([each.score for each in without]))
    return gain, np.asarray(whole.replicates) - np.mean([each.replicates for each in without], axis=0)


def _cross_fit(pool: Pool, members: Sequence[Member], metric: str) -> CrossFit:
    from lrensemble.select import Validation, cross_fit  # with its compiler; most sweeps do without

    predictions = [member.predictions("val") for member in members]
    validation = Validation(predictions, pool.truth("val"), target=pool.task.target)
    return cross_fit(validation, TEAM, metric=metric)
