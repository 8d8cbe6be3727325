"""Choice of the team that is judged, by each metric: fixed on `val` by cross-fitted scores, before test is read.

It depends neither on the order of the teams nor on the names of their methods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lrensemble.consensus import learned_on_rows
from lrensemble.evaluate.teams import DEFAULT_METRIC, Team, choose, default_metric
from lrensemble.metrics import METRICS
from lrensemble.pool import Member, Pool
from lrensemble.select import Validation
from lrensemble.spec import to_spec


@dataclass(frozen=True)
class Judged:
    """The team that is judged by one metric, and the single model that it is compared with."""

    metric: str
    single: Team
    """The best single model, as a team of one."""
    team: Team | None
    """Judged team; None where no team beats the best single model."""


def judged(pool: Pool, teams: Sequence[Team], validation: Validation | None = None) -> tuple[Judged, ...]:
    """Best single model and judged team, by each metric that teams aim at.

    A team is of two members or more. It beats the best single model if its cross-fitted score is higher than that of
    choosing the best single model; of those that do, the cheapest within one standard error of the best is judged.
    """
    costs = costs_of(pool.members())
    found = []
    for metric in metrics_of(teams, default_metric(pool)):
        own = [team for team in teams if team.metric == metric]
        single = next((team for team in own if _is_best(team)), None)
        single = single or choose(pool, "best", metric=metric, validation=validation)
        found.append(Judged(metric, single, cheapest(own, single, costs)))
    return tuple(found)


def metrics_of(teams: Sequence[Team], usual: str = DEFAULT_METRIC) -> list[str]:
    """Metrics that teams aim at: the usual one first, the others in the order of their registration."""
    known = list(METRICS)

    def place(metric: str) -> tuple[bool, int, str]:
        name = to_spec(metric).name
        return metric != usual, known.index(name) if name in known else len(known), metric

    return sorted({team.metric for team in teams}, key=place)


def cheapest(teams: Sequence[Team], single: Team, costs: Mapping[str, float]) -> Team | None:
    """The team of least cost within one standard error of the best score (Breiman et al. 1984, sec. 3.4.3).

    The standard error is that of the difference of the two scores, on the same rows. Teams of one, and teams that do
    not score above the single model, are left out; scores are cross-fitted where any are.

    Args:
        teams: teams that aim at the same metric.
        single: best single model by it.
        costs: cost of running a member, by id.
    """
    cross_fitted = single.cross_fitted is not None and any(t.cross_fitted is not None for t in teams if len(t.team) > 1)
    score = {id(team): team.cross_fitted if cross_fitted else team.score for team in (single, *teams)}
    floor = score[id(single)]
    better = [
        team
        for team in teams
        if len(team.team) > 1 and (own := score[id(team)]) is not None and floor is not None and own > floor
    ]
    if not better:
        return None

    def order(team: Team) -> tuple[float, tuple[str, ...], tuple[float, ...], str]:
        return sum(costs[member] for member in team.team), team.team, team.weights, team.consensus

    def value(team: Team) -> float:
        return score[id(team)] or 0.0

    best = min(better, key=lambda team: (-value(team), order(team)))
    within = [team for team in better if value(best) - value(team) <= standard_error(best, team)]
    return min(within, key=lambda team: (order(team)[0], -value(team), order(team)))


def standard_error(team: Team, other: Team) -> float:
    """Standard error of the difference of two cross-fitted scores: the standard deviation (ddof = 1) of the differences
    of their replicates on the same resampled rows.
    """
    pairs = zip(team.replicates, other.replicates, strict=False)
    differences = [one - two for one, two in pairs if one is not None and two is not None]
    return float(np.std(differences, ddof=1)) if len(differences) > 1 else 0.0


def costs_of(members: Sequence[Member]) -> dict[str, float]:
    """Cost of running each member, by id: number of parameters where all members have one, else 1."""
    counts = {member.id: member.parameters for member in members}
    known = all(count for count in counts.values())
    return {name: float(count) if known and count else 1.0 for name, count in counts.items()}


def _is_best(team: Team) -> bool:
    return to_spec(team.method).name == "best" and len(team.team) == 1 and not learned_on_rows(team.consensus)
