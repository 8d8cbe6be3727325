"""Diversity of what is predicted, right or wrong: do members name the same class?

Agreement by chance is that of classes that recur: of choices, the first answers of two rows have nothing in common.
"""

from __future__ import annotations

import numpy as np

from lrensemble.metrics.diversity.base import DIVERSITY, ratio
from lrensemble.metrics.diversity.outcomes import Outcomes, agreements, chance_agreements
from lrensemble.metrics.diversity.teams import Teams, Values


@DIVERSITY.register(higher_is_more_diverse=True)
def disagreement(rows: Outcomes, teams: Teams) -> Values:
    """Fraction of rows for which two members predict different classes, mean over pairs (Ho 1998).

    0 to 1. Higher is more diverse. Without rows 0.
    """
    return ratio(teams.over_pairs(rows.rows - agreements(rows)), rows.rows)


@DIVERSITY.register(higher_is_more_diverse=False, targets=("classes",))
def cohen_kappa(rows: Outcomes, teams: Teams) -> Values:
    """CK, agreement of two members' predicted classes beyond chance, mean over pairs (Cohen 1960, eq. 1).

    (p - c) / (1 - c) with agreement p and chance agreement c, -1 to 1. Lower is more diverse. 0/0 is 1: both predict
    one and the same class for every row.
    """
    chance = chance_agreements(rows)
    kappas = ratio(rows.rows * agreements(rows) - chance, rows.rows**2 - chance, otherwise=1.0)
    return teams.over_pairs(kappas)


@DIVERSITY.register(higher_is_more_diverse=False, targets=("classes",))
def fleiss_kappa(rows: Outcomes, teams: Teams) -> Values:
    """FK, agreement of a whole team's predicted classes beyond chance (Fleiss 1971).

    (p - c) / (1 - c): p the agreement, mean over pairs; c the sum over classes of the squared share that the team as a
    whole predicts of it, -1 to 1. Lower is more diverse. 0/0 is 1: all predict one and the same class for every row.
    """
    together = chance_agreements(rows)
    sizes = np.maximum(teams.sizes(), 1)
    # The square of a sum over members, as means over its diagonal and over its pairs.
    chance = (teams.over_members(together.diagonal()) + (sizes - 1) * teams.over_pairs(together)) / sizes
    return ratio(rows.rows * teams.over_pairs(agreements(rows)) - chance, rows.rows**2 - chance, otherwise=1.0)
