"""Score against size, cost or diversity: the teams that no other beats in both, and the knee among them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import SelectionError
from lrensemble.limits import Table
from lrensemble.select.base import SELECTORS, Selection, check_metric
from lrensemble.select.methods.shared.diversity import Floats, inverse_diversity, scaled
from lrensemble.select.methods.shared.reduced import Part, best_members, members_of_table
from lrensemble.select.methods.shared.scored import equal_team
from lrensemble.select.scoring.every_team import in_order, score_every_team
from lrensemble.select.scoring.kernels.exhaustive.all_teams import has_kernel
from lrensemble.select.scoring.kernels.subsets import members_of
from lrensemble.select.scoring.subset_scorer import weights_of
from lrensemble.select.scoring.team_scores import SAME_SCORE, first_best
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

SLOW_MEMBERS = 10
"""Members whose teams are all scored where each is scored by the definition: 1,023 teams."""


@SELECTORS.register(against="size")
def pareto(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    against: Literal["size", "cost", "diversity"] = "size",
    measure: str = "generalized_diversity",
    limit: Table | None = None,
) -> Selection:
    """The knee of the Pareto front of score against size, cost or diversity; `details["front"]` is the whole front.

    A team is on the front if no other is as good in one and better in the other; of equal teams the first stands for
    all. The knee is the team farthest above the line between the two ends of the front, both scaled from 0 to 1 (Das
    1999): from there on more of one costs much of the other.

    Args:
        validation: the rows to choose on.
        metric: the score.
        consensus: how members are combined.
        seed: not used.
        against: what is weighed against the score: fewer members, less cost, or more diversity.
        measure: a diversity measure of predicted classes, where `against` is diversity.
        limit: refuse to score more teams than this; unless given, a larger pool gives way to its 16 best members (10
            where teams are scored one by one), which `details["among"]` lists.

    Raises:
        SelectionError: there are more teams than `limit`, or costs are asked for and not given.
        SpecError, PredictionsError: no such measure, or one that needs probabilities.
    """
    check_metric(validation, metric, consensus)
    part = _members(validation, limit, metric, consensus)
    every = score_every_team(part.validation, metric, consensus, limit)
    masks = in_order(np.arange(1, len(every)))
    scores, other = every[masks], _other(part.validation, against, measure, masks)
    places = front(scores, other)
    height = scaled(scores[places]) + scaled(other[places])
    chosen = places[first_best(height)]
    team = members_of(int(masks[chosen]))
    listed = [
        {"team": list(part.places(members_of(int(masks[i])))), "score": float(scores[i]), against: float(abs(other[i]))}
        for i in places.tolist()
    ]
    details = {"against": against, "front": listed}
    return part.restored(equal_team(part.validation, team, metric, consensus, len(masks), details))


def _members(validation: Validation, limit: int | None, metric: SpecLike, consensus: SpecLike) -> Part:
    """The members whose teams are looked at."""
    if limit is not None or has_kernel(metric, consensus):
        return members_of_table(validation, limit, metric, consensus)
    return best_members(validation, SLOW_MEMBERS, metric, consensus)


def front(scores: Floats, other: Floats) -> NDArray[np.int64]:
    """Places of the teams on the front, best score first; higher is better in both, and of equals the first stays."""
    order = np.lexsort((np.arange(len(scores)), -other, -np.round(scores / SAME_SCORE)))
    ahead = np.concatenate([[-np.inf], np.maximum.accumulate(other[order])[:-1]])
    return order[other[order] > ahead]


def _other(validation: Validation, against: str, measure: str, masks: NDArray[np.int64]) -> Floats:
    """[team] what the score is weighed against, higher is better."""
    if against == "size":
        return -np.bitwise_count(masks).astype(np.float64)
    if against == "diversity":
        return 1 - inverse_diversity(validation, measure)[masks]
    if not validation.cost:
        raise SelectionError("against='cost' needs the members' costs; give them as Validation(cost=(…))")
    return np.asarray(-weights_of(masks, validation.members) @ np.array(validation.cost))
