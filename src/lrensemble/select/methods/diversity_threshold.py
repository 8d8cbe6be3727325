"""The baseline of diversity-led selection: teams more diverse than the mean of all teams."""

from __future__ import annotations

import numpy as np

from lrensemble.limits import Table
from lrensemble.select.base import SELECTORS, Selection, check_metric
from lrensemble.select.methods.shared.diversity import best_kept, inverse_diversity
from lrensemble.select.methods.shared.reduced import members_of_table
from lrensemble.select.scoring.every_team import score_every_team
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike


@SELECTORS.register(targets=("classes", "choices"), needs="labels", measure="q_statistic")
def diversity_threshold(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    measure: str = "q_statistic",
    limit: Table | None = None,
) -> Selection:
    """The most accurate of the teams that are more diverse than the mean of all teams (Wu et al. 2021, Q).

    Diversity over all rows, none focal; sizes run from 2 to all but one.

    Args:
        validation: the rows to choose on.
        metric: what the score is given in; the choice is by accuracy of the mean of probabilities.
        consensus: how the chosen team is combined; no say in the choice.
        seed: not used.
        measure: a diversity measure of predicted classes.
        limit: refuse to score more teams than this; unless given, a larger pool gives way to its 16 most accurate
            members, which `details["among"]` lists.

    Raises:
        SelectionError: there are more teams than `limit`.
        SpecError, PredictionsError: no such measure, or one that needs probabilities.
    """
    check_metric(validation, metric, consensus)
    part = members_of_table(validation, limit, "accuracy", "mean")
    accuracies = score_every_team(part.validation, "accuracy", "mean", limit)
    inverse = inverse_diversity(part.validation, measure)
    sizes = np.bitwise_count(np.arange(len(inverse)))
    group = np.flatnonzero((sizes >= 2) & (sizes < part.validation.members))
    kept = group[inverse[group] < inverse[group].mean()] if len(group) else group
    found = best_kept(part.validation, kept, accuracies, metric, consensus, len(accuracies) - 1, {"measure": measure})
    return part.restored(found)
