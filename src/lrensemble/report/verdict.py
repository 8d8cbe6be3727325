"""The verdict in a sentence, and every team beside the best single model."""

from __future__ import annotations

from lrensemble.evaluate.result import Gain, Scores
from lrensemble.report.facts import Facts
from lrensemble.report.section import Section, Table


def verdict(facts: Facts) -> Section:
    """What it is all for."""
    rows = ", ".join(f"{count:,} rows of {split}" for split, count in facts.result.rows.items())
    return Section(f"{facts.result.task}: the verdict", [facts.result.verdict.text, f"Measured on {rows}."])


def teams(facts: Facts) -> Section:
    """Best single, teams by method, baselines: val and test side by side, with the gain and its interval."""
    result = facts.result
    headings = [
        "team",
        "members",
        "val acc. %",
        "test acc. %",
        "gain",
        "95 % interval",
        "p",
        "val NLL",
        "test NLL",
        "ECE",
    ]
    rows = []
    if result.best_single.val and result.best_single.test:
        rows.append(["best single", "1", *_scores(result.best_single.val, result.best_single.test, None)])
    for name, team in result.teams.items():
        rows.append([name, str(len(team.team)), *_scores(team.val, team.test, team.gain["accuracy"])])
    marked = frozenset({1 + list(result.teams).index(result.verdict.method)})
    return Section(
        "Teams",
        [
            "The best single model and every team were chosen on val; test was read once, afterwards. Gains are points "
            "of test accuracy over the best single model, with a paired bootstrap interval and McNemar's exact p-value."
        ],
        [Table(headings, rows, marked)],
    )


def _scores(val: Scores, test: Scores, gain: Gain | None) -> list[str]:
    told = ["", "", ""]
    if gain is not None:
        p = "" if gain.p_value is None else f"{gain.p_value:.2g}"
        told = [f"{100 * gain.value:+.2f}", f"{100 * gain.low:+.2f} … {100 * gain.high:+.2f}", p]
    return [
        f"{100 * val.accuracy:.2f}",
        f"{100 * test.accuracy:.2f}",
        *told,
        f"{val.nll:.4f}",
        f"{test.nll:.4f}",
        f"{test.ece:.4f}",
    ]
