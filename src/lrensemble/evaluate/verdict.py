"""Say in one sentence what the ensemble gains, and whether to believe it."""

from __future__ import annotations

from collections.abc import Mapping

from lrensemble.evaluate.result import MemberResult, TeamResult, Verdict


def verdict(teams: Mapping[str, TeamResult], best: MemberResult) -> Verdict:
    """Judge the team with the best cross-fitted score; test rows have no say in which team that is.

    Only teams that aim at the metric of the first can be compared with it. Ties go to the smaller team.
    """
    fitted = {key: team for key, team in teams.items() if team.cross_fitted is not None} or teams
    metric = next(iter(fitted.values())).metric
    comparable = {key: team for key, team in fitted.items() if team.metric == metric}
    key = max(comparable, key=lambda name: (comparable[name].cross_fitted or 0.0, -len(comparable[name].team)))
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
