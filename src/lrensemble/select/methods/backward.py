"""Backward elimination: begin with all members, and take away the one that is missed least, again and again."""

from __future__ import annotations

import numpy as np

from lrensemble.select.base import SELECTORS, Selection, check_metric
from lrensemble.select.methods.shared.reduced import best_members
from lrensemble.select.methods.shared.scored import equal_team
from lrensemble.select.scoring.team_scores import SAME_SCORE, first_best, team_scorer
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

MOST_MEMBERS = 128
"""What elimination begins with, at most: it scores half the square of that many teams."""


@SELECTORS.register()
def backward(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
) -> Selection:
    """The best team met when members are taken away one by one, least missed first (Marill & Green 1963).

    Equal weights. Of members that are missed equally little the last one goes; of equally good teams the smaller is
    returned. In pools of more than 128 members it begins with the 128 best by their own scores, which
    `details["among"]` lists.

    Args:
        validation: the rows to choose on.
        metric: what members are missed for.
        consensus: how members are combined.
        seed: not used.
    """
    metric_text = check_metric(validation, metric, consensus)
    part = best_members(validation, MOST_MEMBERS, metric, consensus)
    found = _eliminated(part.validation, metric_text, consensus)
    return part.restored(found)


def _eliminated(validation: Validation, metric: str, consensus: SpecLike) -> Selection:
    scorer = team_scorer(validation, metric, consensus)
    weights = np.ones(validation.members)
    best, best_score, tried = weights, float(scorer(weights[None])[0]), 1
    while weights.sum() > 1:
        present = np.flatnonzero(weights)[::-1]
        candidates = weights - np.eye(validation.members)[present]
        scores = scorer(candidates)
        tried += len(candidates)
        chosen = first_best(scores)
        weights = candidates[chosen]
        if scores[chosen] >= best_score - SAME_SCORE:
            best, best_score = weights, max(best_score, float(scores[chosen]))
    team = tuple(np.flatnonzero(best).tolist())
    return equal_team(validation, team, metric, consensus, tried)
