"""Scores of teams on the test rows and gains over the best single model: the only reader of the truth of test rows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from lrensemble.environment import environment
from lrensemble.errors import PoolError
from lrensemble.evaluate.baselines import baselines
from lrensemble.evaluate.copies import notes_on_copies
from lrensemble.evaluate.further import further_test
from lrensemble.evaluate.judged import Judged, judged
from lrensemble.evaluate.looks import described, write_look
from lrensemble.evaluate.measurements import Measurements
from lrensemble.evaluate.result import MemberResult, Reference, Result
from lrensemble.evaluate.selections import save
from lrensemble.evaluate.spoken import spoken_notes
from lrensemble.evaluate.teams import Team, choose, predictor_of, validation_of
from lrensemble.evaluate.uncertainty.foreign import further_sets
from lrensemble.evaluate.uncertainty.measured import uncertainty
from lrensemble.evaluate.uncertainty.record import Uncertainty
from lrensemble.evaluate.verdict import verdict
from lrensemble.pool import Pool
from lrensemble.select import SELECTORS
from lrensemble.spec import to_spec


def evaluate(
    pool: Pool, teams: Sequence[Team], *, not_run: Mapping[str, str] | None = None, foreign: Sequence[str] = ()
) -> Result:
    """Score every member and team on `val` and `test`, and every team's gain over the best single model.

    For each metric that teams aim at, the best single model is chosen by it on `val`, and beside the teams stand best
    single, top-k and all members unless they are among them, and a deep ensemble of members that differ by seed alone,
    where the pool has one. The verdict is on the first test set; on every other one the same teams and models are
    measured as well, and a line says whether the gain holds there. Where no team is given, the default method chooses
    one, which is then stored.

    Args:
        pool: pool with `val` and `test` rows.
        teams: teams chosen among its members.
        not_run: reason why a method has no team, by method; copied into the result.
        foreign: names of further test sets whose truth does not count: their rows are only told from those of test.

    Raises:
        PoolError: the pool has no test rows or no finished member, or no such further test set.
        StorageError: the pool cannot be written to: every look at `test` is noted there.
    """
    start, pool = time.perf_counter(), pool.still()
    tests = _checked_tests(pool)
    further = further_sets(tests, foreign)
    notes, validation = [], validation_of(pool)
    if not teams:
        teams = (choose(pool, "greedy", validation=validation),)
        save(pool, teams[0])
        notes.append("Nothing was selected, so the default method has chosen a team now: greedy.")
    fixed = judged(pool, teams, validation)
    everyone = sorted([*teams, *baselines(pool, teams, validation)], key=_place)
    looks = write_look(pool, [described(t.method, t.metric, t.consensus, t.team) for t in everyone], tests)
    notes += notes_on_copies(pool, (tests[0], *further))
    keyed = dict(zip(_keys(everyone), everyone, strict=True))
    measurements = Measurements(pool, validation, fixed, keyed, tests[0])
    members = measurements.members()
    references = {each.metric: measurements.reference(each.single) for each in fixed}
    results = {key: measurements.team(key) for key in keyed}
    judgements = [(each, _key(each, keyed), references[each.metric]) for each in fixed]
    chosen = [each.team for each in fixed if each.team is not None]
    size, headline = pool.task.splits[tests[0]].size, measurements.headline
    verdicts = tuple(
        verdict(key, None if key is None else results[key], reference, size, looks[tests[0]], headline=headline)
        for _, key, reference in judgements
    )
    return Result(
        task=pool.task.name,
        headline=headline,
        rows={name: split.size for name, split in pool.task.splits.items()},
        fingerprints={name: split.fingerprints() for name, split in pool.task.splits.items()},
        members=members,
        best_single=_member(members, references[fixed[0].metric].member),
        references=references,
        teams=results,
        not_run=dict(not_run or {}),
        verdict=verdicts[0],
        verdicts=verdicts,
        looks=looks[tests[0]],
        further={name: further_test(measurements, name, references, verdicts, looks[name]) for name in further},
        uncertainty=_uncertainty(pool, judgements[0], keyed),
        notes=(*notes, *measurements.notes(references.values()), *spoken_notes(pool, chosen, tests[0])),
        seconds={
            "training": sum(member.seconds or 0.0 for member in pool.members()),
            "selection": sum(team.seconds for team in everyone),
            "evaluation": time.perf_counter() - start,
        },
        environment=environment(),
    )


def _checked_tests(pool: Pool) -> tuple[str, ...]:
    """Names of the test sets, the one of the verdict first."""
    if not pool.members():
        raise PoolError(f"{pool.folder} has no finished member to evaluate; train or collect some first")
    tests = pool.task.test_sets
    if not tests:
        raise PoolError(
            f"{pool.folder} has no test rows, and a gain on the rows of the selection would prove nothing; "
            "collect predictions with a test split, or set rows aside: lrensemble collect … --holdout 0.5"
        )
    return tests


def _uncertainty(
    pool: Pool, first: tuple[Judged, str | None, Reference], teams: Mapping[str, Team]
) -> Uncertainty | None:
    each, key, reference = first
    return uncertainty(pool, each.metric, reference.member, None if key is None else (key, predictor_of(teams[key])))


def _key(each: Judged, keyed: Mapping[str, Team]) -> str | None:
    """Key of the judged team; None where no team beats the best single model."""
    return None if each.team is None else next(name for name, team in keyed.items() if team is each.team)


def _member(members: Sequence[MemberResult], member_id: str) -> MemberResult:
    return next(member for member in members if member.id == member_id)


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
