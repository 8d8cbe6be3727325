"""Diversity of right and wrong: measures that ask whether members err on the same rows.

Counts of a pair over n rows: a both right, b and c one of them alone, d both wrong. Where a ratio is 0/0, which is
where a member is always right or always wrong, there is no association: 0.
"""

from __future__ import annotations

import numpy as np

from lrensemble.metrics.diversity.base import DIVERSITY, ratio
from lrensemble.metrics.diversity.outcomes import Outcomes, cofailures, failures
from lrensemble.metrics.diversity.teams import Teams, Values


@DIVERSITY.register(higher_is_more_diverse=True)
def binary_disagreement(rows: Outcomes, teams: Teams) -> Values:
    """BD, fraction of rows that one of two members gets right and the other wrong, mean over pairs (Skalak 1996).

    (b + c) / n, 0 to 1. Higher is more diverse. Without rows 0.
    """
    return ratio(teams.over_pairs(_one_alone(rows)), rows.rows)


@DIVERSITY.register(higher_is_more_diverse=False)
def double_fault(rows: Outcomes, teams: Teams) -> Values:
    """Fraction of rows that both of two members get wrong, mean over pairs (Giacinto & Roli 2001).

    d / n, 0 to 1. Lower is more diverse. Without rows 0; of one member, its error.
    """
    return ratio(teams.over_pairs(cofailures(rows)), rows.rows)


@DIVERSITY.register(higher_is_more_diverse=False)
def q_statistic(rows: Outcomes, teams: Teams) -> Values:
    """QS, Yule's Q of two members' correctness, mean over pairs (Yule 1900; Kuncheva & Whitaker 2003).

    (a d - b c) / (a d + b c), -1 to 1; 0 for independent members. Lower is more diverse. 0/0 is 0.
    """
    both_right, alone, other_alone, both_wrong = _tables(rows)
    same, different = both_right * both_wrong, alone * other_alone
    return teams.over_pairs(ratio(same - different, same + different))


@DIVERSITY.register(higher_is_more_diverse=False)
def correlation(rows: Outcomes, teams: Teams) -> Values:
    """CC, Pearson correlation of two members' correctness, mean over pairs (Sneath & Sokal 1973; K. & W. 2003).

    (a d - b c) / sqrt((a + b)(c + d)(a + c)(b + d)), -1 to 1. Lower is more diverse. 0/0 is 0.
    """
    both_right, alone, other_alone, both_wrong = _tables(rows)
    wrong = failures(rows)
    deviation = np.sqrt(wrong * (rows.rows - wrong))
    return teams.over_pairs(ratio(both_right * both_wrong - alone * other_alone, np.outer(deviation, deviation)))


@DIVERSITY.register(higher_is_more_diverse=False)
def correctness_kappa(rows: Outcomes, teams: Teams) -> Values:
    """Cohen's kappa of two members' correctness, mean over pairs (Cohen 1960; Kuncheva & Whitaker 2003).

    2 (a d - b c) / ((a + b)(b + d) + (a + c)(c + d)), -1 to 1. Lower is more diverse. 0/0 is 1: both are always right,
    or both always wrong.
    """
    both_right, alone, other_alone, both_wrong = _tables(rows)
    wrong = failures(rows)
    right = rows.rows - wrong
    chance = np.outer(right, wrong) + np.outer(wrong, right)
    return teams.over_pairs(ratio(2 * (both_right * both_wrong - alone * other_alone), chance, otherwise=1.0))


@DIVERSITY.register(higher_is_more_diverse=True)
def kohavi_wolpert(rows: Outcomes, teams: Teams) -> Values:
    """KW, variance of correctness within a row, mean over rows (Kohavi & Wolpert 1996; Kuncheva & Whitaker 2003).

    Mean of f (L - f) / L², where f of L members fail: (L - 1) / (2 L) times BD, 0 to 1/4. Higher is more diverse.
    """
    sizes = np.maximum(teams.sizes(), 1)
    return np.asarray((sizes - 1) / (2 * sizes) * binary_disagreement(rows, teams))


@DIVERSITY.register(higher_is_more_diverse=True)
def generalized_diversity(rows: Outcomes, teams: Teams) -> Values:
    """GD, 1 - p(2)/p(1): how seldom a second member fails with a first (Partridge & Krzanowski 1997).

    p(1) is the chance that a member drawn at random fails, p(2) that two do: BD over twice the mean error, 0 to 1.
    Higher is more diverse. Where nobody errs 0: there is no failure to share.
    """
    return ratio(teams.over_pairs(_one_alone(rows)), 2 * teams.over_members(failures(rows)))


@DIVERSITY.register(higher_is_more_diverse=True)
def entropy(rows: Outcomes, teams: Teams) -> Values:
    """E, how evenly a team splits into right and wrong, mean over rows (Kuncheva & Whitaker 2003).

    Mean of min(f, L - f) / floor(L / 2), where f of L members fail, 0 to 1. Higher is more diverse. Of one member 0.
    """
    return ratio(teams.minorities(rows.wrong, rows.weights), np.floor(teams.sizes() / 2) * rows.rows)


def _one_alone(rows: Outcomes) -> Values:
    """Weight of rows [member, member] that exactly one of the two gets wrong."""
    wrong = failures(rows)
    return wrong[:, None] + wrong[None, :] - 2 * cofailures(rows)


def _tables(rows: Outcomes) -> tuple[Values, Values, Values, Values]:
    """Weights of rows [member, member]: a both right, b only the first right, c only the second right, d both wrong."""
    wrong, both_wrong = failures(rows), cofailures(rows)
    first_alone, second_alone = wrong[None, :] - both_wrong, wrong[:, None] - both_wrong
    return rows.rows - first_alone - second_alone - both_wrong, first_alone, second_alone, both_wrong
