"""A team as a method returns it, with its own score: of equal weights, or of weights that were found."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.metrics import METRICS
from lrensemble.select.base import Selection, check_metric, equal_weights
from lrensemble.select.scoring.team_scores import final_score
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike, to_spec

NOTHING: Mapping[str, Any] = MappingProxyType({})


def equal_team(
    validation: Validation,
    team: tuple[int, ...],
    metric: SpecLike,
    consensus: SpecLike,
    tried: int,
    details: Mapping[str, Any] = NOTHING,
) -> Selection:
    """A team with equal weights.

    Args:
        validation: the rows that it is scored on.
        team: members' positions, rising.
        metric: checked.
        consensus: how members are combined.
        tried: different teams that were scored.
        details: what else the method has to say.
    """
    score = final_score(validation, team, metric=metric, consensus=consensus)
    text, combined = str(METRICS.check(metric)), str(to_spec(consensus))
    return Selection(team, equal_weights(team), score, text, combined, tried, details=dict(details))


def weighted_team(
    validation: Validation, weights: NDArray[np.float64], metric: SpecLike, consensus: SpecLike, tried: int
) -> Selection:
    """The members with a weight [member], normalised; all members where none has."""
    metric_text = check_metric(validation, metric, consensus)
    weights = weights if weights.any() else np.ones_like(weights)
    team = tuple(np.flatnonzero(weights).tolist())
    shares = tuple((weights[list(team)] / weights.sum()).tolist())
    score = final_score(validation, team, shares, metric=metric, consensus=consensus)
    return Selection(team, shares, score, metric_text, str(to_spec(consensus)), tried)
