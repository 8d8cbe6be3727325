"""Baselines, the teams that need no search: best single, top-k, all, and members that differ by seed alone."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from lrensemble.evaluate.judged import metrics_of
from lrensemble.evaluate.teams import Team, choose, default_consensus, default_metric, team_of, validation_of
from lrensemble.pool import Member, Pool
from lrensemble.select import Selection, Validation, team_score
from lrensemble.spec import to_spec

ALWAYS = ("best", "top_k", "all")

SEEDS = ("seed", "init_seed", "data_seed")
"""Keys of `[train]` that tell the members of a deep ensemble apart."""


def baselines(pool: Pool, teams: Sequence[Team], validation: Validation | None = None) -> list[Team]:
    """Baselines for each metric that teams aim at, but for those that are among the teams already.

    Without teams, the metric is the default one. The consensus is that of the teams if they share one, else the default
    one.
    """
    added, validation, usual = [], validation or validation_of(pool), default_metric(pool)
    for metric in metrics_of(teams, usual) or [usual]:
        own = [team for team in teams if team.metric == metric]
        combined = {to_spec(team.consensus).name for team in own}
        consensus = combined.pop() if len(combined) == 1 else default_consensus(pool)
        present = {to_spec(team.method).name for team in own}
        added += [
            choose(pool, method, metric=metric, consensus=consensus, folds=0, validation=validation)
            for method in ALWAYS
            if method not in present
        ]
        added += _seeds(pool, metric, consensus, validation)
    return added


def _seeds(pool: Pool, metric: str, consensus: str, validation: Validation) -> list[Team]:
    """A deep ensemble (Lakshminarayanan et al. 2017): the best group of members that differ by seed alone, if any."""
    candidates = groups_of_seeds(pool.members())
    if not candidates:
        return []
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


def groups_of_seeds(members: Sequence[Member]) -> list[tuple[int, ...]]:
    """Positions of members that differ by seed alone, two or more in a group; in the order of their first members."""
    groups = defaultdict(list)
    for index, member in enumerate(members):
        if member.recipe and "train" in member.recipe:
            groups[without_seed(member.recipe)].append(index)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def without_seed(recipe: Mapping[str, Any]) -> str:
    """What a recipe has in common with those that differ from it by their seeds alone, as text."""
    train = {key: value for key, value in recipe["train"].items() if key not in SEEDS}
    return json.dumps({**recipe, "train": train}, sort_keys=True)
