"""Tables of teams beside the best single models, the same in the terminal and on the page.

One table for each metric that teams aim at, for NLL and Brier score another one against the best single model after
temperature scaling, and one for the metric that people know best, accuracy or RMSE.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lrensemble.evaluate.result import Gain, Reference, Result, Scores, TeamResult, TeamScores
from lrensemble.evaluate.verdict import in_print, p_in_print, score_in_print, short, value_in_print
from lrensemble.metrics import METRICS

FIXED = "*"
"""Mark of the team that was fixed before test was looked at."""

HEADINGS = ("team", "size", "val", "test", "gain", "95 % interval", "p")


@dataclass(frozen=True)
class GainTable:
    """One comparison of all teams that aim at a metric."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    fixed: int | None
    """Row of the team that was fixed before test was looked at."""


def gain_tables(result: Result, *, tempered: bool = True) -> Iterator[GainTable]:
    """All tables of a result, in the order of its verdicts; those over tempered models unless they are not wanted."""
    for judged in result.verdicts:
        reference = result.references[judged.metric]
        teams = {key: team for key, team in result.teams.items() if team.metric == judged.metric}
        yield _table(result, reference, teams, judged.method, judged.metric, tempered=False)
        if tempered and any(judged.metric in team.gain_over_tempered for team in teams.values()):
            yield _table(result, reference, teams, judged.method, judged.metric, tempered=True)
        if judged.metric != result.headline and any(result.headline in team.gain for team in teams.values()):
            yield _table(result, reference, teams, judged.method, result.headline, tempered=False)


def across_tests(result: Result) -> Iterator[GainTable]:
    """Where there are further test sets, scores and gains on all of them, in a table for each verdict."""
    if not result.further:
        return
    first = next(split for split in result.rows if split != "val")
    headings = ["team"]
    for split in (first, *result.further):
        headings += [short(split), f"{short(split)} gain"]
    for judged in result.verdicts:
        metric, reference = judged.metric, result.references[judged.metric]
        scores = [reference.test, *(further.references[metric].test for further in result.further.values())]
        rows = [["best single"]]
        rows[0] += [cell for score in scores for cell in (score_in_print(metric, score.by(metric)), "")]
        teams = [key for key, team in result.teams.items() if team.metric == metric]
        for key in teams:
            row = [key + (f" {FIXED}" if key == judged.method else "")]
            measured: list[TeamResult | TeamScores] = [result.teams[key]]
            measured += [further.teams[key] for further in result.further.values()]
            for team in measured:
                gain = team.gain.get(metric)
                row.append(score_in_print(metric, team.test.by(metric)))
                row.append("" if gain is None else value_in_print(metric, gain.value, unit=False))
            rows.append(row)
        yield GainTable(
            f"{result.task}: {in_print(metric)} and gain over the best single model on every test set",
            tuple(headings),
            tuple(map(tuple, rows)),
            None if judged.method is None else 1 + teams.index(judged.method),
        )


def _table(
    result: Result,
    reference: Reference,
    teams: dict[str, TeamResult],
    fixed: str | None,
    metric: str,
    *,
    tempered: bool,
) -> GainTable:
    model = "the best single model"
    if tempered and reference.tempered is not None:
        model += f" with a temperature of {reference.tempered.temperature:.2f}"
    aimed = "" if metric == reference.metric else f" by {in_print(reference.metric)}"
    percent = " in percent" if METRICS.facts(metric).unit == "fraction" else ""
    compared = _compared(teams, metric, tempered)
    adjusted = f", adjusted for {compared} teams" if compared > 1 else ""
    title = (
        f"{result.task}: {in_print(metric)}{percent}; gain over {model}{aimed} on {_test_rows(result):,} test rows"
        f"{adjusted}"
    )
    single = reference.tempered if tempered else reference
    assert single is not None
    rows = [("best single", "1", *_scores(metric, single.val, single.test), "", "", "")]
    for key, team in teams.items():
        gain = (team.gain_over_tempered if tempered else team.gain).get(metric)
        mark = f" {FIXED}" if key == fixed else ""
        cells = ("", "", "") if gain is None else _gain(metric, gain)
        rows.append((key + mark, str(len(team.team)), *_scores(metric, team.val, team.test), *cells))
    return GainTable(title, HEADINGS, tuple(rows), None if fixed is None else 1 + list(teams).index(fixed))


def _test_rows(result: Result) -> int:
    """Rows of the test set that the verdict is on."""
    return next(rows for split, rows in result.rows.items() if split != "val")


def _compared(teams: dict[str, TeamResult], metric: str, tempered: bool) -> int:
    gains = [(team.gain_over_tempered if tempered else team.gain).get(metric) for team in teams.values()]
    return sum(gain is not None and gain.adjusted_p is not None for gain in gains)


def _scores(metric: str, val: Scores, test: Scores) -> tuple[str, str]:
    return score_in_print(metric, val.by(metric)), score_in_print(metric, test.by(metric))


def _gain(metric: str, gain: Gain) -> tuple[str, str, str]:
    """Value, interval and p, adjusted for the teams of the table; only a value for the single model itself."""
    value = value_in_print(metric, gain.value, unit=False)
    if gain.adjusted_p is None or gain.adjusted_low is None or gain.adjusted_high is None:
        return value, "–", "–"
    low, high = (value_in_print(metric, end, unit=False) for end in (gain.adjusted_low, gain.adjusted_high))
    return value, f"{low} … {high}", p_in_print(gain.adjusted_p)
