"""Focal diversity: prefer teams whose members do not fail together where one of them fails."""

from __future__ import annotations

import itertools
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.select.base import SELECTORS, Selection, Validation, check_metric, equal_weights
from lrensemble.select.brute_force import PositiveInt, check_sizes
from lrensemble.select.kernels.statistics import of_labels
from lrensemble.select.scoring import first_best, team_score, team_scorer
from lrensemble.spec import SpecLike, to_spec

LIMIT = 2**20
Share = Annotated[float, Field(ge=0)]


@SELECTORS.register(max_size=3)
def focal(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    min_size: PositiveInt = 2,
    max_size: PositiveInt | None = None,
    diversity: Share = 0.6,
    accuracy: Share = 0.4,
    size_penalty: Share = 0.0,
    limit: PositiveInt = LIMIT,
) -> Selection:
    """The team with the best sum of focal diversity and accuracy of its plurality vote (Tekin et al. 2024, FusionShot).

    The fitness is `diversity` times the focal generalized diversity of `focal_gd` plus `accuracy` times the accuracy;
    ties go to the smaller team, then to the lowest indices. A pool of one has one team.

    Args:
        validation: the rows to choose on.
        metric: what the chosen team's score is given in; it has no say in the choice.
        consensus: how the chosen team is combined; no say in the choice either.
        seed: not used.
        min_size: of the teams.
        max_size: of the teams; all members unless given.
        diversity: share of focal diversity in the fitness.
        accuracy: share of accuracy in the fitness.
        size_penalty: taken from the fitness of all members, and in proportion from that of smaller teams; LLM-TOPLA's
            is 0.1 (Tekin et al. 2024).
        limit: refuse to score more teams than this.

    Raises:
        SelectionError: there are more teams than `limit`, or the sizes do not fit the pool.
    """
    metric_text = check_metric(validation, metric)
    members = validation.members
    smallest = min(min_size, members)
    sizes = check_sizes(members, smallest, max_size, limit)
    count = sizes.count
    teams = [
        team
        for size in range(sizes.smallest, sizes.largest + 1)
        for team in itertools.combinations(range(members), size)
    ]
    weights = np.zeros((count, members))
    for row, team in zip(weights, teams, strict=True):
        row[list(team)] = 1
    wrong = of_labels(validation, "plurality") == 0
    diversities = focal_gd(wrong, weights)
    accuracies = team_scorer(validation, "accuracy", "plurality")(weights)
    chosen = first_best(diversity * diversities + accuracy * accuracies - size_penalty * weights.sum(axis=1) / members)
    score = team_score(validation, teams[chosen], metric=metric, consensus=consensus)
    details = {"focal_diversity": float(diversities[chosen]), "plurality_accuracy": float(accuracies[chosen])}
    return Selection(
        teams[chosen],
        equal_weights(teams[chosen]),
        score,
        metric_text,
        str(to_spec(consensus)),
        count,
        details=details,
    )


def focal_gd(wrong: NDArray[np.bool_], teams: NDArray[np.float64]) -> NDArray[np.float64]:
    """Focal generalized diversity of many teams: the mean over members F of GD over the rows that F gets wrong.

    GD = 1 - p(2)/p(1) (Partridge & Krzanowski 1997), where p(1) is the chance that a member drawn at random fails and
    p(2) that two do; on the rows where F fails, both follow from how often F fails together with one and with two
    others. A member that never fails contributes nothing; a team without any failure, or of one, has 0.

    Args:
        wrong: [member, sample], where each member fails.
        teams: [team, member], one for members of the team and zero for others.

    Returns:
        [team], higher is more diverse.
    """
    failures = wrong.astype(np.float64)
    sizes = teams.sum(axis=1)
    total, contributors = np.zeros(len(teams)), np.zeros(len(teams))
    for focal_member, row in enumerate(failures):
        if not row.any():
            continue
        together = (failures * row) @ failures.T  # [member, member], failures together on the rows of the focal member
        failed = teams @ np.diag(together)  # sum over rows of how many fail
        pairs = np.einsum("ti,ij,tj->t", teams, together, teams, optimize=True) - failed  # ordered pairs failing
        with np.errstate(divide="ignore", invalid="ignore"):
            gd = 1 - pairs / (failed * (sizes - 1))
        member = (teams[:, focal_member] > 0) & (sizes > 1)
        total[member] += gd[member]
        contributors[member] += 1
    return np.divide(total, contributors, out=np.zeros(len(teams)), where=contributors > 0)
