"""Measure stored teams on the `test` rows against the best single model: the only place that reads test labels."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lrensemble.environment import environment
from lrensemble.errors import PoolError
from lrensemble.evaluate.baselines import baselines
from lrensemble.evaluate.result import Cost, Gain, MemberResult, Result, Scores, TeamResult
from lrensemble.evaluate.teams import Team, predict
from lrensemble.evaluate.verdict import rank, verdict
from lrensemble.metrics import METRICS
from lrensemble.metrics.significance import mcnemar_exact, paired_bootstrap
from lrensemble.numerics import SMALLEST_PROBABILITY, likeliest
from lrensemble.pool import Member, Pool
from lrensemble.spec import to_spec

Probabilities = NDArray[np.float64]
Labels = NDArray[np.int64]


def evaluate(pool: Pool, teams: Sequence[Team]) -> Result:
    """Score every member and team on `val` and `test`, and every team's gain over the best single model.

    Best single (by `val`), top-k and all members are added where no team stands for them, and so is a deep ensemble of
    members that differ by seed alone, where the pool has one.

    Raises:
        PoolError: the pool has no test rows or no finished member.
    """
    start = time.perf_counter()
    members = pool.members()
    if not members:
        raise PoolError(f"{pool.folder} has no finished member to evaluate; train or collect some first")
    if "test" not in pool.task.splits:
        raise PoolError(
            f"{pool.folder} has no test rows, and a gain on the rows of the selection would prove nothing; "
            "collect predictions with a test split, or set rows aside: lrensemble collect … --holdout 0.5"
        )
    all_teams = sorted([*teams, *baselines(pool, teams)], key=lambda team: rank(team.method))
    member_results = tuple(_member_result(pool, m) for m in pool.members(include_diverged=True))
    best = _best_single(member_results)
    reference = np.exp(members[[m.id for m in members].index(best.id)].predictions("test").astype(np.float64))
    results = {
        key: _team_result(pool, members, team, reference) for key, team in zip(_keys(all_teams), all_teams, strict=True)
    }
    return Result(
        task=pool.task.name,
        rows={split: len(pool.labels(split)) for split in pool.task.splits},
        members=member_results,
        best_single=best,
        teams=results,
        verdict=verdict(results, best),
        seconds={
            "training": sum(m.seconds or 0.0 for m in members),
            "selection": sum(team.seconds for team in all_teams),
            "evaluation": time.perf_counter() - start,
        },
        environment=environment(),
    )


def scores(probs: Probabilities, labels: Labels) -> Scores:
    """Every score of a result: probabilities [sample, class] against labels [sample]."""
    values = {name: METRICS.call(name, probs, labels) for name in ("accuracy", "nll", "brier", "ece")}
    top5 = METRICS.call("top5_accuracy", probs, labels) if probs.shape[1] > 5 else None
    return Scores(**values, top5_accuracy=top5)


def gains(probs: Probabilities, reference: Probabilities, labels: Labels) -> dict[str, Gain]:
    """What `probs` [sample, class] has over `reference` [sample, class], paired row by row."""
    correct = likeliest(probs) == labels
    reference_correct = likeliest(reference) == labels
    accuracy = paired_bootstrap(correct.astype(np.float64) - reference_correct)
    nll = paired_bootstrap(_losses(reference, labels) - _losses(probs, labels))
    rows = len(labels)
    return {
        "accuracy": Gain(**vars(accuracy), p_value=mcnemar_exact(correct, reference_correct), rows=rows),
        "nll": Gain(**vars(nll), rows=rows),
    }


def _losses(probs: Probabilities, labels: Labels) -> Probabilities:
    true_class = probs[np.arange(len(labels)), labels]
    return -np.log(np.maximum(true_class, SMALLEST_PROBABILITY))


def _member_result(pool: Pool, member: Member) -> MemberResult:
    finished = member.status == "finished"
    val, test = (
        scores(np.exp(member.predictions(split).astype(np.float64)), pool.labels(split)) if finished else None
        for split in ("val", "test")
    )
    return MemberResult(
        id=member.id,
        name=member.name,
        status=member.status,
        policy=_policy(member),
        val=val,
        test=test,
        cost=_cost([member]),
    )


def _policy(member: Member) -> str | None:
    policy = (member.recipe or {}).get("policy")
    return str(to_spec(policy)) if isinstance(policy, dict) else None


def _best_single(members: Sequence[MemberResult]) -> MemberResult:
    finished = [member for member in members if member.val is not None]
    return max(finished, key=lambda m: (m.val.accuracy, -m.val.nll) if m.val else (0.0, 0.0))


def _team_result(pool: Pool, members: tuple[Member, ...], team: Team, reference: Probabilities) -> TeamResult:
    val = predict(members, team, "val")
    test = predict(members, team, "test")
    positions = {member.id: i for i, member in enumerate(pool.members(include_diverged=True))}
    return TeamResult(
        method=team.method,
        metric=team.metric,
        consensus=team.consensus,
        team=tuple(positions[name] for name in team.team),
        members=team.team,
        weights=team.weights,
        val=scores(val, pool.labels("val")),
        cross_fitted=team.cross_fitted,
        test=scores(test, pool.labels("test")),
        gain=gains(test, reference, pool.labels("test")),
        cost=_cost([member for member in members if member.id in team.team]),
        tried=team.tried,
    )


def _cost(members: Sequence[Member]) -> Cost:
    def total(values: list[float | None]) -> float | None:
        return sum(v for v in values if v is not None) if None not in values else None

    parameters = total([m.parameters for m in members])
    samples = total([m.samples for m in members])
    return Cost(
        members=len(members),
        parameters=None if parameters is None else int(parameters),
        seconds=total([m.seconds for m in members]),
        samples=None if samples is None else int(samples),
    )


def _keys(teams: Sequence[Team]) -> list[str]:
    """The method's text, with metric and consensus where several teams share it."""
    methods = [team.method for team in teams]
    return [
        team.method
        if methods.count(team.method) == 1
        else f"{team.method} by {team.metric}, {to_spec(team.consensus).name}"
        for team in teams
    ]
