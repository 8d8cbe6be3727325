"""The best team of today's members, chosen on `val` alone and scored cross-fitted: no test row is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lrensemble.evaluate import Team, choose, default_metric, validation_of, why_not_chosen
from lrensemble.evaluate.verdict import in_print, score_in_print
from lrensemble.metrics import METRICS
from lrensemble.pool import Pool
from lrensemble.report.section import Section, Table

METHOD, SINGLE = "greedy", "best"
"""Selector that is asked, and that of the best single model."""


@dataclass(frozen=True)
class SoFar:
    """The best single model and the best team so far."""

    metric: str
    single: Team
    team: Team


def best_so_far(pool: Pool) -> SoFar | str | None:
    """Best team of today's members beside the best single one; the reason where none can be chosen, None of too few.

    Raises:
        PoolError: a member is damaged.
    """
    pool = pool.still()
    if len(pool.members()) < 2:
        return None
    validation, metric = validation_of(pool), default_metric(pool)
    try:
        single, team = (choose(pool, method, metric=metric, validation=validation) for method in (SINGLE, METHOD))
    except Exception as error:
        return why_not_chosen(METHOD, error)
    return SoFar(metric, single, team)


def team_so_far(found: SoFar | str | None, names: Mapping[str, str]) -> Section | None:
    """Section with that team.

    Args:
        found: from `best_so_far`.
        names: names of the members by id.
    """
    title = "The best team so far"
    if found is None:
        return None
    if isinstance(found, str):
        return Section(title, [f"No team can be chosen yet: {found}."])
    weights = sorted(zip(found.team.weights, found.team.team, strict=True), reverse=True)
    scores = Table(
        ("", "members", f"val {in_print(found.metric)}", "cross-fitted"),
        [_row("best single model", found.single, found.metric), _row("team", found.team, found.metric)],
        caption="Scores on val",
        plain=True,
    )
    members = Table(
        ("member", "weight"),
        [[names.get(each, each), f"{weight:.3f}"] for weight, each in weights],
        caption="Members of the team",
    )
    prose = [
        f"Chosen by {found.team.method} on val alone, and again whenever a member arrives; no test row is read before "
        "the pool is evaluated. A cross-fitted score is that of teams which were chosen without the rows they are "
        "scored on; the other one flatters.",
        *filter(None, [found.team.caution]),
    ]
    return Section(title, prose, [scores, members])


def scores_of(team: Team, metric: str) -> tuple[str, str]:
    """Score on `val` in print, and the cross-fitted one."""
    sign = 1 if METRICS.facts(metric).higher_is_better else -1
    cross_fitted = None if team.cross_fitted is None else sign * team.cross_fitted
    return score_in_print(metric, sign * team.score), score_in_print(metric, cross_fitted)


def _row(name: str, team: Team, metric: str) -> list[str]:
    return [name, str(len(team)), *scores_of(team, metric)]
