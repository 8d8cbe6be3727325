"""Teams that need no search and must stand beside every search: best single, top-k, all, and seeds alone."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence

from lrensemble.evaluate.teams import Team, choose, team_of, validation_of
from lrensemble.pool import Member, Pool
from lrensemble.select import Selection, team_score
from lrensemble.spec import to_spec

ALWAYS = ("best", "top_k", "all")


def baselines(pool: Pool, teams: Sequence[Team]) -> list[Team]:
    """The baselines that are not among the teams yet, by the metric and consensus of the first team."""
    metric = teams[0].metric if teams else "nll"
    consensus = to_spec(teams[0].consensus).name if teams else "mean"
    present = {to_spec(team.method).name for team in teams}
    added = [
        choose(pool, method, metric=metric, consensus=consensus, folds=0) for method in ALWAYS if method not in present
    ]
    return added + _seeds(pool, metric, consensus)


def _seeds(pool: Pool, metric: str, consensus: str) -> list[Team]:
    """A deep ensemble (Lakshminarayanan et al. 2017): the best group of members that differ by seed alone, if any."""
    groups = defaultdict(list)
    for index, member in enumerate(pool.members()):
        if member.recipe and "train" in member.recipe:
            groups[_without_seed(member)].append(index)
    candidates = [tuple(group) for group in groups.values() if len(group) > 1]
    if not candidates:
        return []
    validation = validation_of(pool)
    scored = [(team_score(validation, team, metric=metric, consensus=consensus), team) for team in candidates]
    score, team = max(scored, key=lambda pair: (pair[0], [-index for index in pair[1]]))
    selection = Selection(
        team=team,
        weights=tuple(1 / len(team) for _ in team),
        score=score,
        method="seeds",
        metric=metric,
        consensus=consensus,
        tried=len(candidates),
        seconds=0.0,
        details={},
    )
    return [team_of(pool, validation, selection, seed=0, cross_fitted=None)]


def _without_seed(member: Member) -> str:
    recipe = dict(member.recipe or {})
    recipe["train"] = {key: value for key, value in dict(recipe["train"]).items() if key != "seed"}
    return json.dumps(recipe, sort_keys=True)
