"""Validation of numbers and names in a stored team or result: a file from elsewhere may hold anything."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from lrensemble.errors import SpecError, UnknownNameError
from lrensemble.evaluate.result import Gain, Result, Scores, TeamResult, TeamScores
from lrensemble.evaluate.teams import Team
from lrensemble.metrics import METRICS
from lrensemble.registry import known_paths_only

TOLERANCE = 1e-6
"""Largest accepted |Σ weights − 1|: weights are rounded when they are computed."""


def wrong_in_team(team: Team) -> str:
    """Reason why a team is invalid; empty where it is valid.

    Weights are finite, not negative, one for each member and sum to one; members are distinct.
    """
    return next(
        _first(
            _wrong_team(team.team, team.weights),
            _wrong_numbers("the team", team.model_dump(exclude={"details"})),
            _unless(len({*team.pool}) == len(team.pool), "its pool names a member twice"),
            _unless(team.tried >= 0 and team.seconds >= 0, "teams tried and seconds cannot be negative"),
            _unless(all(0 <= share <= 1 for share in team.frequency.values()), "a frequency lies outside 0 to 1"),
        ),
        "",
    )


def wrong_in_result(result: Result) -> str:
    """Reason why an evaluation is invalid; empty where valid: teams as above, fractions and p-values in [0, 1]."""
    return next(
        _first(
            _wrong_numbers("it", result.model_dump(exclude={"environment"})),
            *(_wrong_team(team.members, team.weights) for team in result.teams.values()),
            *(_wrong_scores(scores) for scores in _scores(result)),
            *(_unless(0 <= gain.p_value <= 1, f"a p-value is {gain.p_value}") for gain in _gains(result)),
            _unless(
                result.verdict.method is None or result.verdict.method in result.teams,
                f"its verdict is about {result.verdict.method!r}, which is none of its teams",
            ),
        ),
        "",
    )


def _first(*reasons: str) -> Iterator[str]:
    return (reason for reason in reasons if reason)


def _unless(holds: bool, reason: str) -> str:
    return "" if holds else reason


def _wrong_team(members: Sequence[str], weights: Sequence[float]) -> str:
    if not members:
        return "a team has no member"
    if len({*members}) != len(members):
        return "a team holds a member twice"
    if len(weights) != len(members):
        return f"a team of {len(members)} has {len(weights)} weights"
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
        return f"weights are finite and not negative, and these are {', '.join(map(str, weights))}"
    total = math.fsum(weights)
    return _unless(abs(total - 1) <= TOLERANCE, f"weights sum to one, and these to {total:.6g}")


def unknown_metric(*metrics: str) -> str:
    """Reason why a metric cannot be computed here; empty where all can. Code that is not trusted is not imported."""
    try:
        with known_paths_only():
            for metric in metrics:
                METRICS.check(metric)
    except UnknownNameError as error:
        return f"{error}; give the plugin that registers it: --plugin MODULE"
    except SpecError as error:
        return str(error)
    return ""


def _scores(result: Result) -> Iterator[Scores]:
    both: list[tuple[Scores | None, Scores | None]] = [(each.val, each.test) for each in result.members]
    both += [(each.val, each.test) for each in result.references.values()]
    both += [(each.val, each.test) for each in result.teams.values()]
    both += [(each.test, each.tempered) for further in result.further.values() for each in further.references.values()]
    both += [(each.test, None) for further in result.further.values() for each in further.teams.values()]
    both += [(each, None) for further in result.further.values() for each in further.members.values()]
    return (scores for pair in both for scores in pair if scores is not None)


def _gains(result: Result) -> Iterator[Gain]:
    teams: list[TeamResult | TeamScores] = [*result.teams.values()]
    teams += [team for each in result.further.values() for team in each.teams.values()]
    return (gain for team in teams for gain in (*team.gain.values(), *team.gain_over_tempered.values()))


def _wrong_scores(scores: Scores) -> str:
    fractions = {"accuracy": scores.accuracy, "ece": scores.ece, "top-5 accuracy": scores.top5_accuracy}
    wrong = [(name, value) for name, value in fractions.items() if value is not None and not 0 <= value <= 1]
    return "".join(f"{name} is a fraction, and one is {value:.6g}" for name, value in wrong[:1])


def _wrong_numbers(what: str, content: object) -> str:
    """Reason why a nested value is invalid; empty where all its numbers are finite."""
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, float) and not math.isfinite(value):
            return f"{what} holds {value}, and all numbers are finite"
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
    return ""
