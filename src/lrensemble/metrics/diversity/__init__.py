"""Diversity of members: measures of one team, of every pair, and of all teams at once; each also focal.

Each measure is one formula over means, and is thereby defined for any team. *Focal* means over the rows alone that
one member, the focal one, gets wrong (Wu et al. 2021): who makes good its errors? The edges are defined, never NaN: a
team of one, more members than rows, no rows, nobody errs, all agree.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lrensemble.metrics.diversity import agreement, correctness, divergence  # noqa: F401  (registers what they define)
from lrensemble.metrics.diversity.base import DIVERSITY, higher_is_more_diverse
from lrensemble.metrics.diversity.outcomes import Outcomes, outcomes, where_wrong
from lrensemble.metrics.diversity.teams import EveryPair, EveryTeam, OneTeam, Values
from lrensemble.spec import SpecLike

__all__ = ["DIVERSITY", "all_teams", "all_teams_focal", "diversity", "higher_is_more_diverse", "pairwise"]


def diversity(
    measure: SpecLike,
    predictions: ArrayLike,
    labels: ArrayLike,
    *,
    focal: int | None = None,
    weights: ArrayLike | None = None,
) -> float:
    """Diversity of the members given, as one team.

    Args:
        measure: a name registered in `DIVERSITY`.
        predictions: [member, sample] predicted classes, or [member, sample, class] probabilities.
        labels: [sample] class indices.
        focal: take only the rows that this member gets wrong.
        weights: [sample] how often each row counts; once each where not given.

    Raises:
        PredictionsError: predictions or labels that cannot be used, or classes where the measure needs probabilities.
    """
    rows = _rows(predictions, labels, focal, weights)
    return float(DIVERSITY.call(measure, rows, OneTeam(len(rows.wrong))))


def pairwise(
    measure: SpecLike,
    predictions: ArrayLike,
    labels: ArrayLike,
    *,
    focal: int | None = None,
    weights: ArrayLike | None = None,
) -> Values:
    """Diversity [member, member] of every two members, a member with itself on the diagonal.

    Arguments and errors as `diversity`.
    """
    return DIVERSITY.call(measure, _rows(predictions, labels, focal, weights), EveryPair())


def all_teams(
    measure: SpecLike,
    predictions: ArrayLike,
    labels: ArrayLike,
    *,
    focal: int | None = None,
    weights: ArrayLike | None = None,
) -> Values:
    """Diversity [team] of every team, indexed by the mask whose bit i says that member i is in.

    Teams without the focal member have a value too: the measure does not ask who is in. Entry 0, the team of nobody, is
    no team: it is finite and means nothing. Arguments and errors as `diversity`; more than 28 members are refused.
    """
    rows = _rows(predictions, labels, focal, weights)
    return DIVERSITY.call(measure, rows, EveryTeam(len(rows.wrong)))


def all_teams_focal(
    measure: SpecLike, predictions: ArrayLike, labels: ArrayLike, *, weights: ArrayLike | None = None
) -> Values:
    """Diversity [focal member, team] of every team over the rows that each member gets wrong.

    A focal member that errs nowhere has no rows: its values are those of nobody ever differing. Arguments and errors as
    `all_teams`.
    """
    rows = outcomes(predictions, labels, weights)
    teams = EveryTeam(len(rows.wrong))
    return np.stack([DIVERSITY.call(measure, where_wrong(rows, focal), teams) for focal in range(len(rows.wrong))])


def _rows(predictions: ArrayLike, labels: ArrayLike, focal: int | None, weights: ArrayLike | None) -> Outcomes:
    rows = outcomes(predictions, labels, weights)
    return rows if focal is None else where_wrong(rows, focal)
