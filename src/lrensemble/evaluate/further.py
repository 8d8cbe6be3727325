"""Test sets beside the one of the verdict: the same teams and models there, and whether the gain holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lrensemble.evaluate.measurements import Measurements
from lrensemble.evaluate.result import FurtherTest, Reference, ReferenceScores, TeamScores, Verdict
from lrensemble.evaluate.verdict import gain_clauses, kind_by, seen, short


def further_test(
    measurements: Measurements,
    split: str,
    references: Mapping[str, Reference],
    verdicts: Sequence[Verdict],
    looks: int,
) -> FurtherTest:
    """What was measured on a further test set.

    Args:
        measurements: of the pool.
        split: name of the test set.
        references: best single models by metric.
        verdicts: those on the first test set.
        looks: number of looks at the rows, this one included.
    """
    gains = {metric: measurements.gains(split, metric) for metric in references}
    teams = {
        key: TeamScores(
            test=measurements.scores(split, ("team", key)),
            gain=gains[team.metric][0][key],
            gain_over_tempered=gains[team.metric][1][key],
        )
        for key, team in measurements.teams.items()
    }
    end = seen(measurements.pool.task.splits[split].size, looks)
    return FurtherTest(
        looks=looks,
        members={
            member.id: measurements.scores(split, ("member", member.id)) for member in measurements.pool.members()
        },
        references={
            metric: ReferenceScores(
                test=measurements.scores(split, ("member", reference.member)),
                tempered=measurements.scores(split, ("tempered", reference.member)) if reference.tempered else None,
            )
            for metric, reference in references.items()
        },
        teams=teams,
        verdicts=tuple(
            line(split, first, teams[first.method], measurements.headline, end)
            for first in verdicts
            if first.method is not None
        ),
    )


def line(split: str, first: Verdict, team: TeamScores, headline: str, end: str) -> Verdict:
    """One line: whether the gain of the judged team holds on a further test set.

    Args:
        split: name of the test set.
        first: verdict on the first test set.
        team: the same team on this one.
        headline: metric that is given beside the one that the team aims at.
        end: rows and looks.
    """
    kind, name = kind_by(first.metric, team.gain, team.gain_over_tempered), short(split)
    if first.kind == "better":
        held = {
            "better": "the gain holds",
            "worse": "it does not, the ensemble is worse",
            "no reliable difference": "it does not, there is no reliable difference",
        }[kind]
    else:
        held = {"better": "the ensemble is better", "worse": "the ensemble is worse"}.get(
            kind, "there is no reliable difference" + (" either" if first.kind == kind else "")
        )
    text = f"On {name}, {held}: {first.method}: {gain_clauses(first.metric, team, headline, name)}; {end}"
    return Verdict(metric=first.metric, kind=kind, method=first.method, reliable=kind in ("better", "worse"), text=text)
