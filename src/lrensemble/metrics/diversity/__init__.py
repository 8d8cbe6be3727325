"""Diversity of members: measures of one team, of every pair, and of all teams at once; each also focal.

Each measure is one formula over means, and is thereby defined for any team. *Focal* means over the rows alone that
one member, the focal one, gets wrong (Wu et al. 2021): who makes good its errors? The edges are defined, never NaN: a
team of one, more members than rows, no rows, nobody errs, all agree.

Measures of values have no focal rows: no value is simply wrong.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrensemble.errors import PredictionsError
from lrensemble.metrics.diversity import (  # noqa: F401  (registers what they define)
    agreement,
    ambiguity,
    correctness,
    divergence,
)
from lrensemble.metrics.diversity.ambiguity import ValueRows, value_rows
from lrensemble.metrics.diversity.base import DIVERSITY, higher_is_more_diverse
from lrensemble.metrics.diversity.outcomes import Outcomes, outcomes, where_wrong
from lrensemble.metrics.diversity.teams import EveryPair, EveryTeam, OneTeam, SomeTeams, Values
from lrensemble.metrics.serving import require_target
from lrensemble.spec import SpecLike
from lrensemble.targets import kind_of

__all__ = [
    "DIVERSITY",
    "all_teams",
    "all_teams_focal",
    "diversity",
    "given_teams",
    "higher_is_more_diverse",
    "pairwise",
]


def diversity(
    measure: SpecLike,
    predictions: ArrayLike,
    truth: ArrayLike,
    *,
    focal: int | None = None,
    weights: ArrayLike | None = None,
) -> float:
    """Diversity of the members given, as one team.

    Args:
        measure: a name registered in `DIVERSITY`.
        predictions: [member, sample] predicted classes, [member, sample, class] probabilities, or [member, sample,
            column] values.
        truth: [sample] class indices, or [sample, output] values in floating point.
        focal: take only the rows that this member gets wrong.
        weights: [sample] how often each row counts; once each where not given.

    Raises:
        SpecError: the measure is not of what the truth is.
        PredictionsError: predictions or truth that cannot be used, or classes where the measure needs probabilities.
    """
    rows = _rows(measure, predictions, truth, focal, weights)
    return float(DIVERSITY.call(measure, rows, OneTeam(rows.members)))


def pairwise(
    measure: SpecLike,
    predictions: ArrayLike,
    truth: ArrayLike,
    *,
    focal: int | None = None,
    weights: ArrayLike | None = None,
) -> Values:
    """Diversity [member, member] of every two members, a member with itself on the diagonal.

    Arguments and errors as `diversity`.
    """
    return DIVERSITY.call(measure, _rows(measure, predictions, truth, focal, weights), EveryPair())


def given_teams(
    measure: SpecLike,
    predictions: ArrayLike,
    truth: ArrayLike,
    teams: NDArray[np.bool_],
    *,
    weights: ArrayLike | None = None,
) -> Values:
    """Diversity [team] of teams given by their masks [team, member], of one member or more each.

    Other arguments and errors as `diversity`.
    """
    return DIVERSITY.call(measure, _rows(measure, predictions, truth, None, weights), SomeTeams(teams))


def all_teams(
    measure: SpecLike,
    predictions: ArrayLike,
    truth: ArrayLike,
    *,
    focal: int | None = None,
    weights: ArrayLike | None = None,
) -> Values:
    """Diversity [team] of every team, indexed by the mask whose bit i says that member i is in.

    Teams without the focal member have a value too: the measure does not ask who is in. Entry 0, the team of nobody, is
    no team: it is finite and means nothing. Arguments and errors as `diversity`; more than 28 members are refused.
    """
    rows = _rows(measure, predictions, truth, focal, weights)
    return DIVERSITY.call(measure, rows, EveryTeam(rows.members))


def all_teams_focal(
    measure: SpecLike, predictions: ArrayLike, truth: ArrayLike, *, weights: ArrayLike | None = None
) -> Values:
    """Diversity [focal member, team] of every team over the rows that each member gets wrong.

    A focal member that errs nowhere has no rows: its values are those of nobody ever differing. Arguments and errors as
    `all_teams`.
    """
    rows = _rows(measure, predictions, truth, None, weights)
    focal_rows = [_where_wrong(rows, focal) for focal in range(rows.members)]
    teams = EveryTeam(rows.members)
    return np.stack([DIVERSITY.call(measure, each, teams) for each in focal_rows])


def _rows(
    measure: SpecLike, predictions: ArrayLike, truth: ArrayLike, focal: int | None, weights: ArrayLike | None
) -> Outcomes | ValueRows:
    of_values = np.issubdtype(np.asarray(truth).dtype, np.floating)
    require_target(DIVERSITY, measure, kind_of(np.asarray(truth)))
    if of_values:
        rows = value_rows(predictions, truth, weights)
        return rows if focal is None else _where_wrong(rows, focal)
    found = outcomes(predictions, truth, weights)
    return found if focal is None else _where_wrong(found, focal)


def _where_wrong(rows: Outcomes | ValueRows, focal: int) -> Outcomes:
    if isinstance(rows, ValueRows):
        raise PredictionsError(
            "focal diversity is over the rows that a member gets wrong, and no value is simply wrong"
        )
    return where_wrong(rows, focal)
