"""Where a team comes from: the pool, and what is known of the team there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from lrensemble.config import Record
from lrensemble.environment import versions
from lrensemble.evaluate import Team, load, stored_result
from lrensemble.evaluate.costs import cost_of
from lrensemble.evaluate.result import Cost, Gain, Result, Scores
from lrensemble.metrics import METRICS
from lrensemble.pool import Pool


class Judgement(Record):
    """What `evaluate` found of a team."""

    rows: dict[str, int]
    """Number of rows by split."""
    val: Scores
    """On the rows that it was chosen on: optimistic."""
    test: Scores
    over: str
    """Name of the best single model, which the gains are over."""
    gain: dict[str, Gain]
    """Gain over it on test rows, with its 95 % interval, by metric; empty of that model itself."""
    verdict: str
    looks: int = 1
    """Number of looks at the test rows."""
    notes: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Warnings of the evaluation."""


class Origin(Record):
    """The pool that a team was chosen from."""

    task: str
    """Name of the pool's task, for people."""
    digest: str
    """SHA-256 of the task's hashes and of the files of all members: the pool as it was."""
    members: int
    """Number of members that could be chosen."""
    metric: str
    """Metric that the team aims at."""
    score: float
    """Score on `val` by it, higher is better; optimistic, since the team was chosen by it."""
    cross_fitted: float | None = None
    """The same with every row scored by a team chosen without it."""
    best_single: str | None = None
    """Name of the member with the best score on `val` by the metric; None where it is not known of all."""
    judgement: Judgement | None = None
    """What was found on test rows; None where they have not been looked at."""
    cost: Cost | None = None
    """What the team cost to train, and its size; None in files of earlier versions."""
    version: str = ""
    """Version of lrensemble that made it; empty in files of earlier versions."""


def origin_of(pool: Pool, team: Team) -> Origin:
    """Origin of a team; a stored result of the pool is read, and test rows are not looked at.

    Raises:
        PoolError: a file is damaged.
    """
    stored = load(pool)
    result = stored_result(pool, stored) if stored else None
    by_id = {member.id: member for member in pool.members()}
    return Origin(
        task=pool.task.name,
        digest=digest_of(pool),
        members=len(team.pool),
        metric=team.metric,
        score=team.score,
        cross_fitted=team.cross_fitted,
        best_single=_best_single(pool, team.metric),
        judgement=None if result is None else _judgement(result, team),
        cost=cost_of([by_id[name] for name in team.team]),
        version=versions()["lrensemble"],
    )


def _best_single(pool: Pool, metric: str) -> str | None:
    members = pool.members()
    scores = [member.scores.get("val", {}).get(metric) for member in members]
    known = [score for score in scores if score is not None]
    if not known or len(known) < len(scores):
        return None
    best = max(known) if METRICS.facts(METRICS.check(metric)).higher_is_better else min(known)
    return members[scores.index(best)].name


def digest_of(pool: Pool) -> str:
    """SHA-256 of the task's hashes and of the files of all members, in hexadecimal."""
    members: Sequence[object] = [[member.id, sorted(member.files.items())] for member in pool.members()]
    return hashlib.sha256(json.dumps([sorted(pool.task.hashes().items()), members]).encode()).hexdigest()


def _judgement(result: Result, team: Team) -> Judgement | None:
    reference = result.references.get(team.metric)
    if reference is None:
        return None
    key = (team.method, team.metric, team.team, team.weights)
    found = next((e for e in result.teams.values() if (e.method, e.metric, e.members, e.weights) == key), None)
    if found is None and team.team != (reference.member,):
        return None
    verdict = next((each.text for each in result.verdicts if each.metric == team.metric), "")
    return Judgement(
        rows=result.rows,
        val=reference.val if found is None else found.val,
        test=reference.test if found is None else found.test,
        over=reference.name,
        gain={} if found is None else found.gain,
        verdict=verdict,
        looks=result.looks,
        notes=result.notes,
    )
