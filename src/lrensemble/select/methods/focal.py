"""Focal diversity: prefer teams whose members do not fail together where one of them fails."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lrensemble.limits import Count, Factor, Table
from lrensemble.metrics.diversity.teams import sums_over_members, sums_over_pairs
from lrensemble.select.base import SELECTORS, Selection, check_metric
from lrensemble.select.methods.shared.exhaustive import WASTE, Sizes, check_sizes
from lrensemble.select.methods.shared.reduced import best_members
from lrensemble.select.methods.shared.scored import equal_team
from lrensemble.select.scoring.every_team import score_every_team
from lrensemble.select.scoring.kernels.statistics import of_labels, predicted_classes
from lrensemble.select.scoring.kernels.subsets import first_team, members_of
from lrensemble.select.scoring.team_scores import SAME_SCORE, first_best, team_scorer
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

LIMIT = 2**16
"""Teams of the members that are looked at, unless a limit is given."""

TABLES = 2**20
"""Entries of a table of all subsets, at most, unless a limit is given."""

Floats = NDArray[np.float64]
Fitness = Callable[[Floats, Floats, Floats], Floats]
"""From focal diversities, accuracies and sizes [team] to fitness [team]."""


@SELECTORS.register(targets=("classes", "choices"), needs="labels", max_size=3)
def focal(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    min_size: Count = 2,
    max_size: Count | None = None,
    diversity: Factor = 0.6,
    accuracy: Factor = 0.4,
    size_penalty: Factor = 0.0,
    limit: Table | None = None,
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
        limit: refuse to score more teams than this; unless given, a pool with more than 65,536 teams of these sizes
            gives way to the most accurate of its members (16, if all sizes are asked for), which `details["among"]`
            lists.

    Raises:
        SelectionError: there are more teams than `limit`, or the sizes do not fit the pool.
    """
    check_metric(validation, metric, consensus)
    members = validation.members
    sizes = check_sizes(members, min(min_size, members), max_size, limit)
    if limit is None and sizes.count > LIMIT:
        sizes = _most_members(sizes)
    part = best_members(validation, sizes.members, "accuracy", "plurality")

    def fitness(diversities: Floats, accuracies: Floats, size: Floats) -> Floats:
        return diversity * diversities + accuracy * accuracies - size_penalty * size / members

    table = 2**sizes.members
    search = _among_all if table <= WASTE * sizes.count and table <= max(TABLES, limit or 0) else _among_listed
    team, details = search(part.validation, sizes, fitness)
    return part.restored(equal_team(part.validation, team, metric, consensus, sizes.count, details))


def _most_members(sizes: Sizes) -> Sizes:
    """The sizes in a pool of as many members as have no more teams than `LIMIT`."""
    members = sizes.smallest
    while True:
        more = Sizes(members + 1, sizes.smallest, min(sizes.largest, members + 1))
        if more.count > LIMIT:
            return Sizes(members, sizes.smallest, min(sizes.largest, members))
        members += 1


def _among_all(validation: Validation, sizes: Sizes, fitness: Fitness) -> tuple[tuple[int, ...], dict[str, float]]:
    """The fittest team and its two parts, from tables of all subsets of the members."""
    accuracies = score_every_team(validation, "accuracy", "plurality", 2**sizes.members)
    accuracies[0] = 0.0  # of nobody, who is left out below: minus infinity times a share of zero is no number
    diversities = every_focal_gd(predicted_classes(validation), validation.truth, validation.weights)
    size = np.bitwise_count(np.arange(len(accuracies))).astype(np.float64)
    values = fitness(diversities, accuracies, size)
    values[(size < sizes.smallest) | (size > sizes.largest)] = -np.inf
    chosen = first_team(np.flatnonzero(values >= values.max() - SAME_SCORE))
    return members_of(chosen), _parts(diversities[chosen], accuracies[chosen])


def _among_listed(validation: Validation, sizes: Sizes, fitness: Fitness) -> tuple[tuple[int, ...], dict[str, float]]:
    """The same from a list of the teams: for small teams of many members."""
    teams = [
        team
        for size in range(sizes.smallest, sizes.largest + 1)
        for team in itertools.combinations(range(sizes.members), size)
    ]
    weights = np.zeros((len(teams), sizes.members))
    for row, team in zip(weights, teams, strict=True):
        row[list(team)] = 1
    rows = validation.counted
    wrong = of_labels(validation, "plurality")[:, rows] == 0
    diversities = focal_gd(wrong, weights, validation.row_weights[rows])
    accuracies = team_scorer(validation, "accuracy", "plurality")(weights)
    chosen = first_best(fitness(diversities, accuracies, weights.sum(axis=1)))
    return teams[chosen], _parts(diversities[chosen], accuracies[chosen])


def _parts(focal_diversity: float, accuracy: float) -> dict[str, float]:
    return {"focal_diversity": float(focal_diversity), "plurality_accuracy": float(accuracy)}


def every_focal_gd(predicted: NDArray[np.int64], labels: NDArray[np.int64], weights: Floats | None = None) -> Floats:
    """[2^members] `focal_gd` of every team at its mask, from predicted classes [member, sample] and labels [sample].

    Rows count as often as the weights [sample] say, once each where not given.
    """
    failures = (predicted != labels).astype(np.float64)
    times = np.ones(len(labels)) if weights is None else weights
    members = len(failures)
    erring = failures @ times > 0
    total, others = np.zeros(2**members), sums_over_members(np.ones(members - 1))
    for member in np.flatnonzero(erring).tolist():
        together = (failures * (failures[member] * times)) @ failures.T
        inside = total.reshape(-1, 2, 2**member)[:, 1]  # a view of the teams that the member is in
        inside += _gd_on_failures(together, member, others).reshape(inside.shape)
    contributors = sums_over_members(erring.astype(np.float64))
    return np.divide(total, contributors, out=total, where=contributors > 0)


def _gd_on_failures(together: Floats, focal_member: int, sizes: Floats) -> Floats:
    """[2^(members - 1)] GD of the focal member with each set of others, on the rows that it fails; 0 with nobody.

    1 - p(2)/p(1) in sums over members and over pairs, of which those with the focal member are what the others fail.

    Args:
        together: [member, member] how often two fail on those rows.
        focal_member: who fails on all of them.
        sizes: [2^(members - 1)] of the sets of others.
    """
    others = np.delete(np.arange(len(together)), focal_member)
    failed = sums_over_members(together[focal_member, others])
    gd = sums_over_pairs(together[np.ix_(others, others)])
    gd += failed
    failed += together[focal_member, focal_member]
    failed *= sizes
    np.divide(gd, failed, out=gd, where=sizes > 0)
    gd *= -2
    gd += 1
    gd[0] = 0.0
    return gd


def focal_gd(wrong: NDArray[np.bool_], teams: Floats, weights: Floats | None = None) -> Floats:
    """Focal generalized diversity of many teams: the mean over members F of GD over the rows that F gets wrong.

    GD = 1 - p(2)/p(1) (Partridge & Krzanowski 1997), where p(1) is the chance that a member drawn at random fails and
    p(2) that two do; on the rows where F fails, both follow from how often F fails together with one and with two
    others. A member that never fails contributes nothing; a team without any failure, or of one, has 0.

    Args:
        wrong: [member, sample], where each member fails.
        teams: [team, member], one for members of the team and zero for others.
        weights: [sample] how often each row counts, positive; once each where not given.

    Returns:
        [team], higher is more diverse.
    """
    failures = wrong.astype(np.float64)
    times = np.ones(wrong.shape[1]) if weights is None else weights
    sizes = teams.sum(axis=1)
    total, contributors = np.zeros(len(teams)), np.zeros(len(teams))
    for focal_member, row in enumerate(failures):
        if not row.any():
            continue
        # [member, member], failures together on the rows of the focal member
        together = (failures * (row * times)) @ failures.T
        failed = teams @ np.diag(together)  # sum over rows of how many fail
        pairs = np.einsum("ti,ij,tj->t", teams, together, teams, optimize=True) - failed  # ordered pairs failing
        with np.errstate(divide="ignore", invalid="ignore"):
            gd = 1 - pairs / (failed * (sizes - 1))
        member = (teams[:, focal_member] > 0) & (sizes > 1)
        total[member] += gd[member]
        contributors[member] += 1
    return np.divide(total, contributors, out=np.zeros(len(teams)), where=contributors > 0)
