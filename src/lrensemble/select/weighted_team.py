"""A selection from weights of all members."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.base import Selection, Validation, check_metric
from lrensemble.select.scoring import team_score
from lrensemble.spec import SpecLike, to_spec


def weighted_team(
    validation: Validation, weights: NDArray[np.float64], metric: SpecLike, consensus: SpecLike, tried: int
) -> Selection:
    """The members with a weight [member], normalised; all members where none has."""
    metric_text = check_metric(validation, metric)
    weights = weights if weights.any() else np.ones_like(weights)
    team = tuple(np.flatnonzero(weights).tolist())
    shares = tuple((weights[list(team)] / weights.sum()).tolist())
    score = team_score(validation, team, shares, metric=metric, consensus=consensus)
    return Selection(team, shares, score, metric_text, str(to_spec(consensus)), tried)
