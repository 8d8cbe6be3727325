"""Scores of teams on the `test` rows and gains over the best single model: the only reader of test labels."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from lrensemble.environment import environment
from lrensemble.errors import PoolError
from lrensemble.evaluate.baselines import baselines
from lrensemble.evaluate.judged import Judged, judged
from lrensemble.evaluate.looks import write_look
from lrensemble.evaluate.measurements import Measurements
from lrensemble.evaluate.result import Gain, MemberResult, Reference, Result, TeamResult, Verdict
from lrensemble.evaluate.selections import save
from lrensemble.evaluate.teams import Team, choose, validation_of
from lrensemble.evaluate.verdict import verdict
from lrensemble.metrics import METRICS
from lrensemble.pool import Pool
from lrensemble.select import SELECTORS
from lrensemble.spec import to_spec


def evaluate(pool: Pool, teams: Sequence[Team], *, not_run: Mapping[str, str] | None = None) -> Result:
    """Score every member and team on `val` and `test`, and every team's gain over the best single model.

    For each metric that teams aim at, the best single model is chosen by it on `val`, and beside the teams stand best
    single, top-k and all members unless they are among them, and a deep ensemble of members that differ by seed alone,
    where the pool has one. Where no team is given, the default method chooses one, which is then stored.

    Args:
        pool: pool with `val` and `test` rows.
        teams: teams chosen among its members.
        not_run: reason why a method has no team, by method; copied into the result.

    Raises:
        PoolError: the pool has no test rows or no finished member.
        StorageError: the pool cannot be written to: every look at `test` is noted there.
    """
    start = time.perf_counter()
    _check(pool)
    notes, validation = [], validation_of(pool)
    if not teams:
        teams = (choose(pool, "greedy", validation=validation),)
        save(pool, teams[0])
        notes.append("Nothing was selected, so the default method has chosen a team now: greedy.")
    fixed = judged(pool, teams, validation)
    everyone = sorted([*teams, *baselines(pool, teams, validation)], key=_place)
    looks = write_look(pool, everyone)
    measurements = Measurements(pool, validation, metrics=[each.metric for each in fixed])
    members = measurements.members()
    keyed = dict(zip(_keys(everyone), everyone, strict=True))
    references, results = dict[str, Reference](), dict[str, TeamResult]()
    for each in fixed:
        references[each.metric] = reference = measurements.reference(each.single)
        own = {key: team for key, team in keyed.items() if team.metric == each.metric}
        results |= _measured(measurements, own, reference)
    verdicts = tuple(_verdict(each, keyed, results, references, measurements, looks) for each in fixed)
    return Result(
        task=pool.task.name,
        rows=measurements.rows,
        fingerprints={name: split.fingerprints() for name, split in pool.task.splits.items()},
        members=members,
        best_single=_member(members, references[fixed[0].metric].member),
        references=references,
        teams={key: results[key] for key in keyed},
        not_run=dict(not_run or {}),
        verdict=verdicts[0],
        verdicts=verdicts,
        looks=looks,
        notes=(*notes, *measurements.notes(references.values())),
        seconds={
            "training": sum(member.seconds or 0.0 for member in pool.members()),
            "selection": sum(team.seconds for team in everyone),
            "evaluation": time.perf_counter() - start,
        },
        environment=environment(),
    )


def _check(pool: Pool) -> None:
    if not pool.members():
        raise PoolError(f"{pool.folder} has no finished member to evaluate; train or collect some first")
    if "test" not in pool.task.splits:
        raise PoolError(
            f"{pool.folder} has no test rows, and a gain on the rows of the selection would prove nothing; "
            "collect predictions with a test split, or set rows aside: lrensemble collect … --holdout 0.5"
        )


def _measured(measurements: Measurements, teams: Mapping[str, Team], reference: Reference) -> dict[str, TeamResult]:
    """Results of the teams that aim at one metric, with gains adjusted over all of them."""
    probs = {key: measurements.predict(team, "test") for key, team in teams.items()}
    found = {key: measurements.team(team, probs[key]) for key, team in teams.items()}
    probabilities = [
        key for key, team in teams.items() if measurements.have_probabilities((*team.team, reference.member))
    ]
    gain, over_tempered = defaultdict[str, dict[str, Gain]](dict), defaultdict[str, dict[str, Gain]](dict)
    for metric in dict.fromkeys((reference.metric, "accuracy", "nll")):
        able = teams if METRICS.facts(metric).needs == "labels" else probabilities
        for key, one in measurements.gains(metric, {key: probs[key] for key in able}, reference).items():
            gain[key][metric] = one
        if reference.tempered is not None and metric in ("nll", "brier"):
            for key, one in measurements.gains(
                metric, {key: probs[key] for key in able}, reference, tempered=True
            ).items():
                over_tempered[key][metric] = one
    return {
        key: team.model_copy(update={"gain": gain[key], "gain_over_tempered": over_tempered[key]})
        for key, team in found.items()
    }


def _verdict(
    each: Judged,
    keyed: Mapping[str, Team],
    results: Mapping[str, TeamResult],
    references: Mapping[str, Reference],
    measurements: Measurements,
    looks: int,
) -> Verdict:
    key = next((key for key, team in keyed.items() if team is each.team), None)
    return verdict(key, results[key] if key else None, references[each.metric], measurements.rows["test"], looks)


def _member(members: Sequence[MemberResult], wanted: str) -> MemberResult:
    return next(member for member in members if member.id == wanted)


def _place(team: Team) -> tuple[int, str, str, str]:
    """Sort key: teams stand in the order of the registered methods; baselines that no selector makes come last."""
    names, name = list(SELECTORS), to_spec(team.method).name
    return names.index(name) if name in names else len(names), team.method, team.metric, team.consensus


def _keys(teams: Sequence[Team]) -> list[str]:
    """Key of each team: the text of its method, with metric and consensus where several teams share it."""
    methods = [team.method for team in teams]
    return [
        team.method
        if methods.count(team.method) == 1
        else f"{team.method} by {team.metric}, {to_spec(team.consensus).name}"
        for team in teams
    ]
