"""Say in one sentence what the ensemble gains, and whether to believe it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

from lrensemble.evaluate.result import MemberResult, TeamResult, Verdict
from lrensemble.select import SELECTORS
from lrensemble.spec import to_spec


class Judgeable(Protocol):
    """A team, chosen or measured."""

    @property
    def method(self) -> str:
        """What chose it."""

    @property
    def metric(self) -> str:
        """What it aims at."""

    @property
    def cross_fitted(self) -> float | None:
        """Score, higher is better, where every row is judged by a team chosen without it."""

    @property
    def team(self) -> tuple[object, ...]:
        """Its members."""


J = TypeVar("J", bound=Judgeable)


def judged(teams: Mapping[str, J]) -> tuple[str, J]:
    """The team with the best cross-fitted score, which no test row had a say in, and its key.

    Only teams that aim at the metric of the first, in the order of the selectors, can be compared with it. Ties go to
    the smaller team.
    """
    teams = dict(sorted(teams.items(), key=lambda item: rank(item[1].method)))
    fitted = {key: team for key, team in teams.items() if team.cross_fitted is not None} or teams
    metric = next(iter(fitted.values())).metric
    comparable = {key: team for key, team in fitted.items() if team.metric == metric}
    return max(comparable.items(), key=lambda item: (item[1].cross_fitted or 0.0, -len(item[1].team)))


def rank(method: str) -> int:
    """Position of the method in the registry; baselines that no selector makes come last."""
    names = list(SELECTORS)
    name = to_spec(method).name
    return names.index(name) if name in names else len(names)


def verdict(teams: Mapping[str, TeamResult], best: MemberResult) -> Verdict:
    """Say what the judged team gains over the best single model."""
    key, _ = judged(teams)
    gain = teams[key].gain["accuracy"]
    points = f"{100 * gain.value:+.2f} points of test accuracy"
    interval = (
        f"95 % interval {100 * gain.low:+.2f} to {100 * gain.high:+.2f}, p = {gain.p_value:.2g}, {gain.rows} rows"
    )
    subject = f"{key}, a team of {len(teams[key].team)}, against the best single model ({best.name})"
    if not gain.reliable:
        text = f"No reliable difference: {subject}: {points} ({interval})."
    elif gain.value > 0:
        text = f"The ensemble is better: {subject}: {points} ({interval})."
    else:
        text = f"The ensemble is worse: {subject}: {points} ({interval})."
    return Verdict(method=key, reliable=gain.reliable, text=text)
