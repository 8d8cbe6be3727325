"""The verdict: in one sentence, the gain of the ensemble, its metric, and whether it is reliable."""

from __future__ import annotations

from typing import Literal

from lrensemble.evaluate.result import LEVEL, Gain, Reference, TeamResult, Verdict
from lrensemble.metrics import METRICS

_PRINTED = {"nll": "NLL", "brier": "Brier score", "ece": "ECE"}


def in_print(metric: str) -> str:
    """Name of a metric in prose."""
    return _PRINTED.get(metric, metric.replace("_", " "))


def verdict(key: str | None, team: TeamResult | None, reference: Reference, rows: int, looks: int) -> Verdict:
    """Verdict on the gain of the judged team over the best single model.

    Args:
        key: key of the team among all teams.
        team: team that was fixed on `val`; None where none beats the best single model there.
        reference: best single model by the metric that the team aims at.
        rows: number of test rows.
        looks: number of looks at test, this one included.
    """
    metric = reference.metric
    seen = f"{rows:,} rows, {'first look' if looks == 1 else f'look {looks}'} at them."
    if team is None:
        text = (
            f"No team beats {reference.name}: ship that one. It is the best single model by {in_print(metric)} on val, "
            f"and no team of two or more scores above it there."
        )
        return Verdict(metric=metric, kind="no team", method=None, reliable=False, text=text)
    kind = kind_of(team)
    head = {"better": "The ensemble is better", "worse": "The ensemble is worse"}.get(kind, "No reliable difference")
    subject = (
        f"{key}, a team of {len(team.team)}, against the best single model by {in_print(metric)} ({reference.name})"
    )
    parts = [f"gain in test {in_print(metric)} {_gain_in_words(metric, team.gain[metric])}"]
    if metric in team.gain_over_tempered:
        parts.append(f"{_gain_in_words(metric, team.gain_over_tempered[metric])} where that model has a temperature")
    if metric != "accuracy":
        parts.append(_accuracy(team.gain["accuracy"]))
    text = f"{head}: {subject}: {'; '.join(parts)}; {seen}"
    return Verdict(metric=metric, kind=kind, method=key, reliable=kind in ("better", "worse"), text=text)


def kind_of(team: TeamResult) -> Literal["better", "worse", "no reliable difference"]:
    """Outcome by the metric that the team aims at.

    In NLL and Brier score, temperature scaling alone improves a single model. There a gain counts only together with a
    gain over the tempered model, or with one in accuracy. These two are tested once the first is reliable, adjusted for
    being two (Holm 1979), so that the whole keeps the level of one test.
    """
    gain, over_tempered = team.gain[team.metric], team.gain_over_tempered.get(team.metric)
    if not gain.reliable:
        return "no reliable difference"
    if gain.value < 0:
        return "worse"
    if over_tempered is None:
        return "better"
    left = [one for one in (over_tempered, team.gain["accuracy"]) if one.reliable and one.value > 0]
    return "better" if len(left) == 2 or any(one.p_value < LEVEL / 2 for one in left) else "no reliable difference"


def value_in_print(metric: str, value: float, *, unit: bool = True) -> str:
    """Gain as text: fractions in percentage points, other metrics in their own unit."""
    if METRICS.facts(metric).unit == "fraction":
        return f"{100 * value:+.2f}" + (" points" if unit else "")
    return f"{value:+.4f}"


def _gain_in_words(metric: str, gain: Gain) -> str:
    low, high = (value_in_print(metric, end, unit=False) for end in (gain.low, gain.high))
    return f"{value_in_print(metric, gain.value)} (95 % interval {low} to {high}, p = {gain.p_value:.2g})"


def _accuracy(gain: Gain) -> str:
    """Clause on the accuracy of a team that aims at another metric."""
    if not gain.reliable:
        return f"accuracy is undecided: {_gain_in_words('accuracy', gain)}"
    return (
        f"{'gain in test accuracy' if gain.value > 0 else 'test accuracy is lost:'} {_gain_in_words('accuracy', gain)}"
    )
