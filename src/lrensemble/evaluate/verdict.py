"""The verdict: in one sentence, the gain of the ensemble, its metric, and whether it is reliable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from lrensemble.evaluate.result import LEVEL, Gain, Reference, Result, TeamResult, TeamScores, Verdict
from lrensemble.metrics import METRICS
from lrensemble.metrics.serving import OF_CLASSES

_PRINTED = {
    "nll": "NLL",
    "brier": "Brier score",
    "ece": "ECE",
    "mse": "MSE",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
    "crps": "CRPS",
    "gaussian_nll": "NLL",
}

LEAST_P = 1e-300
"""Smallest p-value that is written as a number: below, double precision loses digits and then says 0, which no p is."""

Kind = Literal["better", "worse", "no reliable difference"]


def in_print(metric: str) -> str:
    """Name of a metric in prose."""
    return _PRINTED.get(metric, metric.replace("_", " "))


def verdict(
    key: str | None, team: TeamResult | None, reference: Reference, rows: int, looks: int, *, headline: str = "accuracy"
) -> Verdict:
    """Verdict on the gain of the judged team over the best single model.

    Args:
        key: key of the team among all teams.
        team: team that was fixed on `val`; None where none beats the best single model there.
        reference: best single model by the metric that the team aims at.
        rows: number of test rows.
        looks: number of looks at test, this one included.
        headline: metric that is given beside the one that the team aims at.
    """
    metric = reference.metric
    if team is None:
        how = "" if reference.cross_fitted is None else ", cross-fitted"  # on rows that chose it one may score above
        text = (
            f"No team beats {reference.name}: ship that one. It is the best single model by {in_print(metric)} on val, "
            f"and no team of two or more scores above it there{how}."
        )
        return Verdict(metric=metric, kind="no team", method=None, reliable=False, text=text)
    kind = kind_of(team)
    head = {"better": "The ensemble is better", "worse": "The ensemble is worse"}.get(kind, "No reliable difference")
    subject = (
        f"{key}, a team of {len(team.team)}, against the best single model by {in_print(metric)} ({reference.name})"
    )
    text = f"{head}: {subject}: {gain_clauses(metric, team, headline)}; {seen(rows, looks)}"
    return Verdict(metric=metric, kind=kind, method=key, reliable=kind in ("better", "worse"), text=text)


def seen(rows: int, looks: int) -> str:
    """The end of a verdict: how many rows it is of, and how often they were looked at."""
    noun, them = ("row", "it") if rows == 1 else ("rows", "them")
    return f"{rows:,} {noun}, {'first look' if looks == 1 else f'look {looks}'} at {them}."


def gain_clauses(metric: str, team: TeamResult | TeamScores, headline: str, split: str = "test") -> str:
    """Gains of a team on a test set: in the metric that it aims at, over the tempered model, in the headline."""
    parts = [f"gain in {split} {in_print(metric)} {_gain_in_words(metric, team.gain[metric])}"]
    if metric in team.gain_over_tempered:
        parts.append(f"{_gain_in_words(metric, team.gain_over_tempered[metric])} where that model has a temperature")
    if metric != headline and headline in team.gain:
        parts.append(_headline(headline, team.gain[headline], split))
    return "; ".join(parts)


def verdicts_of(result: Result) -> list[Verdict]:
    """All verdicts of a result: on the first test set, and then on each further one."""
    return [*result.verdicts, *(each for test in result.further.values() for each in test.verdicts)]


def sentences_of(result: Result) -> list[str]:
    """All verdicts of a result, a sentence each."""
    return [each.text for each in verdicts_of(result)]


def outcome_of(verdict: Verdict) -> str:
    """Beginning of a verdict, which says how it went: `The ensemble is better`."""
    return verdict.text.partition(": ")[0]


def kind_of(team: TeamResult) -> Kind:
    """Outcome by the metric that the team aims at."""
    return kind_by(team.metric, team.gain, team.gain_over_tempered)


def kind_by(metric: str, gains: Mapping[str, Gain], over_tempered: Mapping[str, Gain]) -> Kind:
    """Outcome by the metric that a team aims at.

    In NLL and Brier score, temperature scaling alone improves a single model. There a gain counts only together with a
    gain over the tempered model, or with one in accuracy. These two are tested once the first is reliable, adjusted for
    being two (Holm 1979), so that the whole keeps the level of one test.
    """
    gain, tempered = gains[metric], over_tempered.get(metric)
    if not gain.reliable:
        return "no reliable difference"
    if gain.value < 0:
        return "worse"
    if tempered is None:
        return "better"
    left = [one for one in (tempered, gains["accuracy"]) if one.reliable and one.value > 0]
    return "better" if len(left) == 2 or any(one.p_value < LEVEL / 2 for one in left) else "no reliable difference"


def value_in_print(metric: str, value: float, *, unit: bool = True) -> str:
    """Gain as text: fractions in percentage points, other metrics in their own unit."""
    if METRICS.facts(metric).unit == "fraction":
        return f"{100 * value:+.2f}" + (" points" if unit else "")
    return f"{value:+.4g}" if in_unit_of_values(metric) else f"{value:+.4f}"


def score_in_print(metric: str, value: float | None) -> str:
    """A score as text: fractions in percent without the sign; a dash where it is not known."""
    if value is None:
        return "–"
    if METRICS.facts(metric).unit == "fraction":
        return f"{100 * value:.2f}"
    return f"{value:#.5g}".removesuffix(".") if in_unit_of_values(metric) else f"{value:.4f}"


def p_in_print(p_value: float) -> str:
    """A p-value as text; one that floating-point numbers hardly tell from zero as the bound that it is below."""
    return f"< {LEAST_P:g}" if p_value < LEAST_P else f"{p_value:.2g}"


def p_clause(p_value: float) -> str:
    """The same as a part of a sentence: `p = 0.03` or `p < 1e-300`."""
    printed = p_in_print(p_value)
    return f"p {printed}" if printed.startswith("<") else f"p = {printed}"


def in_unit_of_values(metric: str) -> bool:
    """Whether a metric is in the unit of the values that are predicted, which may be of any size."""
    facts = METRICS.facts(metric)
    return facts.unit == "" and not set(OF_CLASSES) & set(facts.targets)


def _gain_in_words(metric: str, gain: Gain) -> str:
    low, high = (value_in_print(metric, end, unit=False) for end in (gain.low, gain.high))
    return f"{value_in_print(metric, gain.value)} (95 % interval {low} to {high}, {p_clause(gain.p_value)})"


def _headline(metric: str, gain: Gain, split: str) -> str:
    """Clause on the metric that people know best, of a team that aims at another one."""
    name, words = in_print(metric), _gain_in_words(metric, gain)
    if not gain.reliable:
        return f"{name} is undecided: {words}"
    return f"gain in {split} {name} {words}" if gain.value > 0 else f"{split} {name} is lost: {words}"


def short(split: str) -> str:
    """Name of a test set in prose: `v2` of `test:v2`."""
    return split.removeprefix("test:")
